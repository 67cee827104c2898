import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { AutoModelForCausalLM, AutoTokenizer } from "./index.ts";
import { quantizeModel } from "./quantize.ts";

const folder = mkdtempSync(join(tmpdir(), "tsumugi-gguf-"));
afterAll(() => rmSync(folder, { recursive: true }));

const text = "A list of colors: red, blue";
async function answer(model: string) {
  const tokenizer = await AutoTokenizer.fromPretrained(model);
  await using loaded = await AutoModelForCausalLM.fromPretrained(model, { dtype: "float32", activationDtype: "float32" });
  const { sequences } = await loaded.generate({ ...tokenizer(text), maxNewTokens: 8, doSample: false });
  return { ids: sequences[0]!, text: tokenizer.decode(sequences[0]!), weights: loaded.memory().weights };
}

it("writes a GGUF file that answers as the model does, with the tokenizer of its own", async () => {
  const file = join(folder, "mini.gguf");
  await quantizeModel("tsumugi-mini", "gguf:bf16", file);
  const [made, original] = [await answer(file), await answer("tsumugi-mini")];
  expect(made.ids).toEqual(original.ids);
  expect(made.text).toBe(original.text);
});

it("writes codes of 4 bits", async () => {
  const file = join(folder, "mini-q4_0.gguf");
  await quantizeModel("tsumugi-mini", "gguf:q4_0", file);
  const [made, original] = [await answer(file), await answer("tsumugi-mini")];
  expect(made.text).toContain(text);
  expect(made.weights).toBeLessThan(original.weights / 5);
});

it("leaves nothing where it is stopped, and what is there as it is", async () => {
  const file = join(folder, "stopped.gguf");
  const stop = () => {
    throw new Error("stop");
  };
  await expect(quantizeModel("tsumugi-mini", "gguf:q8_0", file, { onWritten: stop })).rejects.toThrow("stop");
  expect(readdirSync(folder).filter((name) => /stopped|tmp/.test(name))).toEqual([]);
  await quantizeModel("tsumugi-mini", "gguf:f16", file);
  await expect(quantizeModel("tsumugi-mini", "gguf:f16", file)).rejects.toMatchObject({ code: "output_exists" });
  await expect(quantizeModel("tsumugi-mini", "gguf:f16", join(file, "below"))).rejects.toMatchObject({
    code: "output_unwritable",
  });
});
