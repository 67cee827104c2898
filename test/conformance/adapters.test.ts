import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openCheckpoint } from "../../src/formats/file-reader.ts";
import { AutoModelForCausalLM } from "../../src/generate/auto-model.ts";
import { loadFromFiles } from "../../src/generate/load-from-files.ts";
import { modelInformation } from "../../src/generate/model-information.ts";
import { filesInMemory } from "../../src/hub/memory-files.ts";
import { setWarningHandler } from "../../src/util/warnings.ts";

const root = join(import.meta.dirname, "../fixtures");
const adapters = join(root, "adapters");
const modelFiles = ["config.json", "model.safetensors"];
const adapterFiles = ["adapter_config.json", "adapter_model.safetensors"];

interface Golden {
  model: string;
  input_ids: number[];
  new_ids: number[];
}

const golden = (name: string): Golden => JSON.parse(readFileSync(join(adapters, name, "golden.json"), "utf8"));
const call = ({ input_ids }: Golden) => ({
  inputIds: [input_ids],
  attentionMask: [input_ids.map(() => 1)],
  maxNewTokens: 8,
  doSample: false,
  eosTokenId: [],
});

let folder: string;
let warnings: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tsumugi-adapter-"));
  warnings = [];
  // of what the call asks for there is a word as well
  setWarningHandler((message) => message.includes("eosTokenId") || warnings.push(message));
});
afterEach(() => {
  setWarningHandler();
  rmSync(folder, { recursive: true });
});

function copy(from: string, names: readonly string[], to = folder): void {
  for (const name of names) cpSync(join(from, name), join(to, name), { dereference: true });
}

/** A folder with a model and an adapter beside it. */
function beside(name: string, change: (config: Record<string, unknown>) => void = () => {}): string {
  const { model } = golden(name);
  copy(join(root, "models", model), modelFiles);
  copy(join(adapters, name), adapterFiles);
  const file = join(folder, "adapter_config.json");
  const config = JSON.parse(readFileSync(file, "utf8"));
  change(config);
  writeFileSync(file, JSON.stringify(config));
  return folder;
}

async function answer(directory: string, name: string, device: "cpu" | "reference" = "cpu"): Promise<number[]> {
  const asked = golden(name);
  const model = await AutoModelForCausalLM.fromPretrained(directory, { device, dtype: "float32" });
  const { sequences } = await model.generate(call(asked));
  await model.dispose();
  return sequences[0]!.slice(asked.input_ids.length);
}

describe.each(readdirSync(adapters))("the adapter %s", (name) => {
  it("beside its model gives the tokens that Python gives, on every device", async () => {
    beside(name);
    expect(await answer(folder, name)).toEqual(golden(name).new_ids);
    expect(await answer(folder, name, "reference")).toEqual(golden(name).new_ids);
    expect(warnings).toEqual([]);
  });
});

describe("an adapter alone", () => {
  const name = "patterns";
  function alone(base: unknown): void {
    copy(join(adapters, name), adapterFiles);
    const file = join(folder, "adapter_config.json");
    const config = JSON.parse(readFileSync(file, "utf8"));
    writeFileSync(file, JSON.stringify({ ...config, base_model_name_or_path: base }));
  }

  it("finds its base model", async () => {
    alone(join(root, "models", golden(name).model));
    expect(await answer(folder, name)).toEqual(golden(name).new_ids);
    expect((await modelInformation(folder)).modelType).toBe("llama");
  });

  it("finds it also where it lies beside a config.json without weights", async () => {
    alone(join(root, "models", golden(name).model));
    copy(join(root, "models", golden(name).model), ["config.json"]);
    expect(await answer(folder, name)).toEqual(golden(name).new_ids);
  });

  it.each([
    ["/nowhere/at/all", /names \/nowhere\/at\/all as the base model.*there is no such folder.*Write the path/],
    [undefined, /names nothing as the base model/],
    [root, /has no config\.json|there is no model either/],
  ])("whose base %s is not there says what to do", async (base, message) => {
    alone(base);
    const refused = AutoModelForCausalLM.fromPretrained(folder);
    await expect(refused).rejects.toMatchObject({ code: "adapter_base_missing" });
    await expect(refused).rejects.toThrow(message);
  });
});

describe("an adapter of files without a folder", () => {
  const name = "conv1d";
  const bytes = (names: readonly string[]) =>
    Object.fromEntries(names.map((file) => [file, new Uint8Array(readFileSync(join(folder, file)))]));

  it("is applied as in a folder", async () => {
    beside(name);
    const model = await loadFromFiles(filesInMemory(bytes([...modelFiles, ...adapterFiles])));
    const { sequences } = await model.generate(call(golden(name)));
    expect(sequences[0]!.slice(12)).toEqual(golden(name).new_ids);
    await model.dispose();
  });

  it("needs its weights", async () => {
    beside(name);
    const files = filesInMemory(bytes([...modelFiles, "adapter_config.json"]));
    await expect(loadFromFiles(files)).rejects.toThrow(/adapter_model\.safetensors is not/);
  });
});

describe("what cannot be applied is refused by name, and never left out", () => {
  it.each<[string, object, string, RegExp]>([
    ["another kind", { peft_type: "IA3" }, "adapter_unsupported", /`peft_type` is IA3.*merge_and_unload.*adapter_config\.json/],
    ["a prompt", { peft_type: "PREFIX_TUNING" }, "adapter_unsupported", /PREFIX_TUNING/],
    ["no kind", { peft_type: undefined }, "adapter_invalid", /has no `peft_type`/],
    ["biases of the change", { lora_bias: true }, "adapter_unsupported", /`lora_bias` = true/],
    ["copies of layers", { layer_replication: [[0, 2]] }, "adapter_unsupported", /`layer_replication`/],
    ["rows of the embedding", { trainable_token_indices: [5] }, "adapter_unsupported", /`trainable_token_indices`/],
    ["stacks of experts", { target_parameters: ["experts.gate_up_proj"] }, "adapter_unsupported", /`target_parameters`/],
    ["a changed base", { init_lora_weights: "pissa_niter_4" }, "adapter_unsupported", /`init_lora_weights` is pissa/],
    ["another rank", { r: 7 }, "adapter_invalid", /has rank 7 by adapter_config\.json/],
    ["no rank", { r: 0 }, "adapter_invalid", /`r` is wrong/],
    ["a text for a number", { lora_alpha: "16" }, "adapter_invalid", /`lora_alpha` is wrong.*Given: "16"/],
    ["no factor", { lora_alpha: null }, "adapter_invalid", /`lora_alpha` is wrong/],
    ["no module", { target_modules: ["c_foo"] }, "adapter_invalid", /none of its tensors is of `target_modules` \["c_foo"\]/],
    [
      "a slow pattern",
      { target_modules: "(.*a)*b" },
      "adapter_unsupported",
      /pattern \(\.\*a\)\*b cannot be read, or could take very long/,
    ],
    ["a broken pattern", { target_modules: "(" }, "adapter_unsupported", /pattern \( cannot be read/],
  ])("%s", async (_, change, code, message) => {
    beside("layers", (config) => Object.assign(config, change));
    const refused = AutoModelForCausalLM.fromPretrained(folder, { device: "reference" });
    await expect(refused).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it("an adapter of another model", async () => {
    beside("layers");
    copy(join(root, "models/qwen3"), modelFiles);
    const refused = AutoModelForCausalLM.fromPretrained(folder, { device: "reference" });
    await expect(refused).rejects.toMatchObject({ code: "adapter_invalid", message: expect.stringMatching(/is of a matrix/) });
    copy(join(root, "models/gpt2"), modelFiles);
    await expect(AutoModelForCausalLM.fromPretrained(folder, { device: "reference" })).rejects.toThrow(
      /the model has no matrix of its own for model\.layers\.1\.mlp\.gate_proj/,
    );
  });

  it("a pickle", async () => {
    beside("layers");
    rmSync(join(folder, "adapter_model.safetensors"));
    writeFileSync(join(folder, "adapter_model.bin"), "x");
    await expect(AutoModelForCausalLM.fromPretrained(folder)).rejects.toThrow(/adapter_model\.bin, a pickle/);
  });
});

it("tensors that PEFT leaves out are told", async () => {
  beside("layers", (config) => Object.assign(config, { target_modules: ["k_proj"] }));
  const model = await AutoModelForCausalLM.fromPretrained(folder, { device: "reference" });
  await model.dispose();
  expect(warnings).toEqual([expect.stringMatching(/holds 2 tensors that change nothing in the model: .*gate_proj\.lora_A/)]);
});

it("the type of the weights is that of the model, not of the adapter", async () => {
  beside("layers");
  const checkpoint = await openCheckpoint(folder);
  expect(checkpoint.tensors().every(({ name }) => !name.includes("lora"))).toBe(true);
  await checkpoint.close();
});
