import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openCheckpoint } from "../formats/index.ts";
import { resolveModel } from "../hub/index.ts";
import { roundToBfloat16, toFloat32 } from "../tensor/convert.ts";
import { AutoModelForCausalLM } from "./auto-model.ts";
import { convertModel } from "./convert.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tsumugi-save-"));
});
afterAll(() => rm(folder, { recursive: true }));

const prompt = { inputIds: [[5, 6, 7]], maxNewTokens: 5, doSample: false };

describe("savePretrained", () => {
  it("writes the bytes of the source in its own type, in shards with an index, and a model that answers the same", async () => {
    const source = await openCheckpoint((await resolveModel("tsumugi-mini")).directory);
    await using model = await AutoModelForCausalLM.fromPretrained("tsumugi-mini");
    model.generationConfig.temperature = 0.5;
    const directory = join(folder, "same");
    await model.savePretrained(directory, { maxShardBytes: 3e6 });
    const names = await readdir(directory);
    expect(names).toContain("model.safetensors.index.json");
    expect(names).toContain("tokenizer.json");
    expect(names.filter((name) => name.endsWith(".safetensors")).length).toBeGreaterThan(2);
    const written = await openCheckpoint(directory);
    for (const { name } of source.tensors()) {
      expect(Buffer.compare(await written.read(name), await source.read(name)), name).toBe(0);
    }
    expect(written.tensors().length).toBe(source.tensors().length);
    await written.close();
    await source.close();
    expect(JSON.parse(await readFile(join(directory, "generation_config.json"), "utf8")).temperature).toBe(0.5);
    await using again = await AutoModelForCausalLM.fromPretrained(directory);
    expect((await again.generate(prompt)).sequences).toEqual((await model.generate(prompt)).sequences);
    expect(again.generationConfig.temperature).toBe(0.5);
  });

  it("rounds to the type that the model is held in, and says so in config.json", async () => {
    await using model = await AutoModelForCausalLM.fromPretrained("tsumugi-mini", { dtype: "float32" });
    const directory = join(folder, "wide");
    await model.savePretrained(directory);
    await using half = await AutoModelForCausalLM.fromPretrained(directory, { dtype: "bfloat16" });
    const config = JSON.parse(await readFile(join(directory, "config.json"), "utf8"));
    expect(config.dtype ?? config.torch_dtype).toBe("float32");
    await half.savePretrained(join(folder, "narrow"));
    const [wide, narrow] = [await openCheckpoint(directory), await openCheckpoint(join(folder, "narrow"))];
    const name = wide.tensors().find(({ shape }) => shape.length === 1)!.name;
    const values = toFloat32(await wide.read(name), "float32").map(roundToBfloat16);
    expect(toFloat32(await narrow.read(name), "bfloat16")).toEqual(values);
    await wide.close();
    await narrow.close();
  });

  it("leaves a folder that holds files as it is, and nothing half written beside it", async () => {
    await using model = await AutoModelForCausalLM.fromPretrained("tsumugi-mini");
    const directory = join(folder, "full");
    await convertSink(directory);
    await expect(model.savePretrained(directory)).rejects.toMatchObject({ code: "output_exists" });
    const onProgress = () => {
      throw new Error("stop");
    };
    await expect(model.savePretrained(join(folder, "stopped"), { onProgress })).rejects.toThrow("stop");
    expect((await readdir(folder)).filter((name) => /stopped|tmp/.test(name))).toEqual([]);
  });

  it.skipIf(process.platform !== "linux")("ends where no folder can be made", async () => {
    await using model = await AutoModelForCausalLM.fromPretrained("tsumugi-mini");
    await expect(model.savePretrained("/proc/nowhere/model")).rejects.toMatchObject({ code: "output_unwritable" });
  });

  it.each([{ loadIn4bit: true }, { dtype: "int8" }] as const)("refuses what is quantised: %o", async (options) => {
    await using model = await AutoModelForCausalLM.fromPretrained("tsumugi-mini", options);
    await expect(model.savePretrained(join(folder, "four"))).rejects.toMatchObject({ code: "model_not_saved" });
  });
});

it("convertModel says what it looked for", async () => {
  await expect(
    convertModel(join(import.meta.dirname, "../../models/tsumugi-mini"), join(folder, "none")),
  ).rejects.toMatchObject({
    code: "convert_unsupported",
    message: expect.stringContaining("pytorch_model.bin"),
  });
});

async function convertSink(directory: string): Promise<void> {
  const { mkdir } = await import("node:fs/promises");
  await mkdir(directory);
  await writeFile(join(directory, "mine.txt"), "mine");
}
