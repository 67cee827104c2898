import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadModel } from "../models/index.ts";
import { AutoModelForCausalLM } from "./auto-model.ts";
import type { FromPretrainedOptions } from "./load-options.ts";
import { formatBytes, memoryFormats } from "./memory-formats.ts";
import { openModel } from "./open-model.ts";

const inputIds = [5, 9, 31, 7];
const folder = join(import.meta.dirname, "../../test/fixtures/models");

async function answer(options: FromPretrainedOptions) {
  await using model = await AutoModelForCausalLM.fromPretrained("tsumugi-mini", { device: "cpu", ...options });
  const result = await model.generate({
    inputIds,
    doSample: false,
    maxNewTokens: 3,
    outputLogits: true,
    returnDictInGenerate: true,
  });
  return { result, weights: model.memory().weights };
}

describe('dtype: "int8" and "int4"', () => {
  it("hold what is multiplied in fewer bytes, and answer much the same", async () => {
    const [whole, eight, four] = [await answer({}), await answer({ dtype: "int8" }), await answer({ dtype: "int4" })];
    expect(eight.weights).toBeLessThan(0.55 * whole.weights);
    expect(four.weights).toBeLessThan(0.45 * whole.weights); // the table of 4,096 tokens stays in 8 bits
    expect(eight.result.sequences[0]!.length).toBe(whole.result.sequences[0]!.length);
    expect(four.result.sequences[0]!.length).toBe(whole.result.sequences[0]!.length);
  });

  it("hold as many bytes as are reckoned from shapes", async () => {
    const { config, checkpoint, adapter } = await openModel("tsumugi-mini", {});
    try {
      const model = await loadModel(config, checkpoint, adapter);
      for (const dtype of ["int8", "int4"] as const) {
        const { weights } = await answer({ dtype });
        expect(Math.abs(formatBytes(model, dtype, memoryFormats[dtype]!) / weights - 1)).toBeLessThan(0.02);
      }
    } finally {
      await checkpoint.close();
    }
  });

  it("give a row what it gets alone", async () => {
    await using model = await AutoModelForCausalLM.fromPretrained("tsumugi-mini", { device: "cpu", dtype: "int4" });
    const options = { doSample: false, maxNewTokens: 3, outputScores: true } as const;
    const alone = await model.generate({ inputIds, ...options });
    const both = await model.generate({ inputIds: [inputIds, [8, 3, 77, 12]], ...options });
    expect(both.sequences[0]).toEqual(alone.sequences[0]);
  });

  it("are refused beside other ways to quantise, and for checkpoints that are quantised", async () => {
    const fails = (options: FromPretrainedOptions, code: string, model = "tsumugi-mini") =>
      expect(AutoModelForCausalLM.fromPretrained(model, options)).rejects.toThrow(expect.objectContaining({ code }));
    await fails({ dtype: "int8", loadIn4bit: true }, "conflicting_options");
    await fails({ activations: "int8", dtype: "bfloat16" }, "conflicting_options");
    await fails({ activations: "int4" as "int8" }, "invalid_option");
    await fails({ dtype: "int4" }, "conflicting_options", join(folder, "gpt_oss_mxfp4"));
  });
});
