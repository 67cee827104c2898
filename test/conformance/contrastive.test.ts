import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AutoModelForCausalLM } from "../../src/generate/auto-model.ts";
import type { CausalLM } from "../../src/generate/causal-lm.ts";
import { camelCase } from "../../src/util/letter-case.ts";
import { setWarningHandler } from "../../src/util/warnings.ts";

interface Case {
  model: string;
  options: Record<string, unknown>;
  input_ids: number[];
  row: number[];
}

const fixtures = join(import.meta.dirname, "../fixtures");
const { cases } = JSON.parse(readFileSync(join(fixtures, "decoding/contrastive.json"), "utf8")) as { cases: Case[] };
const camelKeys = (value: object) => Object.fromEntries(Object.entries(value).map(([key, item]) => [camelCase(key), item]));

beforeAll(() => setWarningHandler(() => {}));
afterAll(() => setWarningHandler());

describe.each(["reference", "cpu"] as const)("contrastive search on %s", (device) => {
  describe.each([...new Set(cases.map(({ model }) => model))])("%s", (name) => {
    const own = cases.filter((item) => item.model === name);
    let model: CausalLM;
    beforeAll(async () => {
      model = await AutoModelForCausalLM.fromPretrained(join(fixtures, "models", name), { dtype: "float32", device });
    });
    afterAll(() => model?.dispose());

    test.each(own.map((item) => [JSON.stringify(item.options), item] as const))("%s", async (_, item) => {
      const { sequences } = await model.generate({ inputIds: [item.input_ids], ...camelKeys(item.options) });
      expect(sequences[0]!.slice(item.input_ids.length)).toEqual(item.row);
    });

    test("logits and scores are those that each step chose its candidates from", async () => {
      const inputIds = [[3, 17, 44, 81, 5]];
      const common = { eosTokenId: null, repetitionPenalty: 1.3, outputScores: true, outputLogits: true };
      const options = { penaltyAlpha: 0.6, topK: 4, maxNewTokens: 6 };
      const { sequences, scores, logits } = await model.generate({ inputIds, ...common, ...options });
      expect([scores!.length, logits!.length]).toEqual([6, 6]);
      for (let step = 0; step < 6; step++) {
        const row = sequences[0]!.slice(0, 5 + step);
        const greedy = await model.generate({ inputIds: [row], ...common, maxNewTokens: 1 });
        for (const [found, expected] of [
          [logits, greedy.logits],
          [scores, greedy.scores],
        ] as const) {
          expect(found![step]).toHaveLength(1);
          const wrong = found![step]![0]!.map((value, token) => Math.abs(value - expected![0]![0]![token]!));
          expect(Math.max(...wrong)).toBeLessThan(1e-4);
        }
      }
    });

    test("rows of a left-padded batch are those of each prompt alone", async () => {
      const options = { penaltyAlpha: 0.6, topK: 4, maxNewTokens: 10, eosTokenId: 9 };
      const long = [3, 17, 44, 81, 5];
      const short = [21, 60];
      const alone = await Promise.all([long, short].map((ids) => model.generate({ inputIds: [ids], ...options })));
      const inputIds = [long, [0, 0, 0, ...short]];
      const attentionMask = [long.map(() => 1), [0, 0, 0, 1, 1]];
      const { sequences } = await model.generate({ inputIds, attentionMask, ...options });
      for (const [row, { sequences: found }] of alone.entries()) {
        const made = found[0]!.slice(row === 0 ? 5 : 2);
        expect(sequences[row]!.slice(5, 5 + made.length)).toEqual(made);
      }
    });
  });
});
