import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { BitsAndBytesConfig } from "../formats/quantised/bitsandbytes-config.ts";
import { AutoModelForCausalLM } from "./auto-model.ts";
import { quantizeModel } from "./quantize.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tsumugi-quantize-"));
});
afterAll(() => rm(folder, { recursive: true }));

const prompt = { inputIds: [[5, 6, 7, 8, 9, 10]], maxNewTokens: 8, doSample: false };

it.each([
  ["nf4-double", { loadIn4bit: true, bnb4bitQuantType: "nf4", bnb4bitUseDoubleQuant: true }],
  ["int8", { loadIn8bit: true }],
] as const)("a checkpoint in %s answers as one that is quantised while it is loaded", async (to, options) => {
  const output = join(folder, to);
  const seen: number[] = [];
  await quantizeModel("tsumugi-mini", to, output, { onWritten: ({ writtenBytes }) => void seen.push(writtenBytes) });
  expect(seen.at(-1)).toBeGreaterThan(1e6);
  const { quantization_config: stored } = JSON.parse(await readFile(join(output, "config.json"), "utf8"));
  expect(stored).toMatchObject({ quant_method: "bitsandbytes", load_in_4bit: to !== "int8" });
  await using written = await AutoModelForCausalLM.fromPretrained(output);
  const bnb4bitComputeDtype = stored.bnb_4bit_compute_dtype;
  const quantizationConfig = new BitsAndBytesConfig({ ...options, bnb4bitComputeDtype });
  await using loaded = await AutoModelForCausalLM.fromPretrained("tsumugi-mini", { quantizationConfig });
  expect((await written.generate(prompt)).sequences).toEqual((await loaded.generate(prompt)).sequences);
  await expect(quantizeModel(output, to, join(folder, "twice"))).rejects.toMatchObject({ code: "convert_unsupported" });
});

it("refuses a format that it does not write", async () => {
  await expect(quantizeModel("tsumugi-mini", "int3", join(folder, "none"))).rejects.toMatchObject({ code: "invalid_option" });
});
