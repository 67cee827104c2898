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
  rows: number[][];
  scores: number[];
}

const fixtures = join(import.meta.dirname, "../fixtures");
const { cases } = JSON.parse(readFileSync(join(fixtures, "decoding/older-beams.json"), "utf8")) as { cases: Case[] };
const camelKeys = (value: object) => Object.fromEntries(Object.entries(value).map(([key, item]) => [camelCase(key), item]));

beforeAll(() => setWarningHandler(() => {}));
afterAll(() => setWarningHandler());

describe.each(["reference", "cpu"] as const)("diverse and constrained beams on %s", (device) => {
  describe.each([...new Set(cases.map(({ model }) => model))])("%s", (name) => {
    const own = cases.filter((item) => item.model === name);
    let model: CausalLM;
    beforeAll(async () => {
      model = await AutoModelForCausalLM.fromPretrained(join(fixtures, "models", name), {
        dtype: "float32",
        device,
        maxBatchSize: 12,
      });
    });
    afterAll(() => model?.dispose());

    test.each(own.map((item) => [JSON.stringify(item.options), item] as const))("%s", async (_, item) => {
      const { sequences, sequencesScores } = await model.generate({ inputIds: [item.input_ids], ...camelKeys(item.options) });
      const longest = Math.max(...item.rows.map(({ length }) => length));
      const fill = (row: number[]) => [...row, ...new Array<number>(longest - row.length).fill(0)]; // padTokenId
      expect(sequences.map((row) => row.slice(item.input_ids.length))).toEqual(item.rows.map(fill));
      item.scores.forEach((score, row) => {
        expect(Math.abs(sequencesScores![row]! - score) / Math.max(1, Math.abs(score))).toBeLessThan(1e-4);
      });
    });

    test("rows of a batch are those of each prompt alone", async () => {
      const options = { numBeams: 4, numBeamGroups: 2, diversityPenalty: 0.5, maxNewTokens: 6, eosTokenId: 9 };
      const long = [3, 17, 44, 81, 5];
      const short = [21, 60];
      const alone = await Promise.all([long, short].map((ids) => model.generate({ inputIds: [ids], ...options })));
      const inputIds = [long, [0, 0, 0, ...short]];
      const attentionMask = [long.map(() => 1), [0, 0, 0, 1, 1]];
      const { sequences } = await model.generate({ inputIds, attentionMask, ...options });
      for (const [row, { sequences: own }] of alone.entries()) {
        const made = own[0]!.slice(row === 0 ? 5 : 2);
        expect(sequences[row]!.slice(5, 5 + made.length)).toEqual(made);
      }
    });
  });
});
