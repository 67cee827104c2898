import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AutoModelForCausalLM } from "../../src/generate/auto-model.ts";
import type { CausalLM } from "../../src/generate/causal-lm.ts";
import { setSeed } from "../../src/sampling/index.ts";
import { camelCase } from "../../src/util/letter-case.ts";
import { setWarningHandler } from "../../src/util/warnings.ts";

interface Case {
  model: string;
  options: Record<string, unknown>;
  seed: number;
  input_ids: number[][];
  attention_mask: number[][];
  sequences: number[][];
  sequences_scores: number[];
  beam_indices: number[][];
  steps: number;
  /** What a second call on the same generator gives. */
  again: number[][] | null;
}

const fixtures = join(import.meta.dirname, "../fixtures");
const file = process.env.BEAMS_GOLDEN ?? join(fixtures, "decoding/beams.json");
const { cases } = JSON.parse(readFileSync(file, "utf8")) as { cases: Case[] };
const camelKeys = (value: object) => Object.fromEntries(Object.entries(value).map(([key, item]) => [camelCase(key), item]));

beforeAll(() => setWarningHandler(() => {}));
afterAll(() => setWarningHandler());

describe.each(["reference", "cpu"] as const)("beams on %s as in transformers", (device) => {
  describe.each([...new Set(cases.map(({ model }) => model))])("%s", (name) => {
    let model: CausalLM;
    beforeAll(async () => {
      model = await AutoModelForCausalLM.fromPretrained(join(fixtures, "models", name), { dtype: "float32", device });
    });
    afterAll(() => model?.dispose());

    const own = cases.filter((item) => item.model === name);
    test.each(own.map((item) => [JSON.stringify(item.options), item] as const))("%s", async (_, item) => {
      const result = await model.generate({
        inputIds: item.input_ids,
        attentionMask: item.attention_mask,
        ...camelKeys(item.options),
        seed: item.options.do_sample ? item.seed : undefined,
        outputScores: true,
      });
      expect(result.sequences).toEqual(item.sequences);
      expect(result.beamIndices).toEqual(item.beam_indices);
      expect(result.scores).toHaveLength(item.steps);
      if (item.again) {
        setSeed(item.seed);
        const inputs = { inputIds: item.input_ids, attentionMask: item.attention_mask, ...camelKeys(item.options) };
        expect((await model.generate(inputs)).sequences).toEqual(item.sequences);
        expect((await model.generate(inputs)).sequences).toEqual(item.again);
      }
      item.sequences_scores.forEach((score, row) => {
        const wrong = Math.abs(result.sequencesScores![row]! - score);
        expect(wrong / Math.max(1, Math.abs(score))).toBeLessThan(1e-4);
      });
    });
  });
});
