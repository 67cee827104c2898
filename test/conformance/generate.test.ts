import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { generationFields } from "../../src/decoding/generation-fields.ts";
import { AutoModelForCausalLM } from "../../src/generate/auto-model.ts";
import type { CausalLM } from "../../src/generate/causal-lm.ts";
import { setSeed } from "../../src/sampling/index.ts";
import { camelCase } from "../../src/util/letter-case.ts";
import { setWarningHandler } from "../../src/util/warnings.ts";
import { generatingPairs } from "../helpers/seed-count.ts";

interface Golden {
  greedy: { input_ids: number[]; new_ids: number[] }[];
  batch?: { input_ids: number[][]; attention_mask: number[][]; new_ids: number[][] };
  forward: { input_ids: number[]; logits: number[][] };
  modes?: {
    kwargs: Record<string, unknown>;
    seed: number;
    input: "single" | "batch";
    input_ids: number[][];
    new_ids: number[][];
  }[];
}

const fixtures = join(import.meta.dirname, "../fixtures/models");
const names = readdirSync(fixtures).filter((name) => existsSync(join(fixtures, name, "golden.json")));

const camelKeys = (value: object) => Object.fromEntries(Object.entries(value).map(([key, item]) => [camelCase(key), item]));
const isSupported = (kwargs: object) => Object.keys(camelKeys(kwargs)).every((name) => generationFields[name]?.supported);

beforeAll(() => setWarningHandler(() => {}));
afterAll(() => setWarningHandler());

for (const [name, device] of generatingPairs(names)) {
  describe(`${name} on ${device}`, () => {
    const golden = JSON.parse(readFileSync(join(fixtures, name, "golden.json"), "utf8")) as Golden;
    let model: CausalLM;
    beforeAll(async () => {
      model = await AutoModelForCausalLM.fromPretrained(join(fixtures, name), { dtype: "float32", device });
    });
    afterAll(() => model?.dispose());

    const newIds = async (inputIds: number[][], attentionMask: number[][], options: object) => {
      const { sequences } = await model.generate({ inputIds, attentionMask, ...options });
      return sequences.map((row) => row.slice(inputIds[0]!.length));
    };
    const ones = (rows: number[][]) => rows.map((row) => row.map(() => 1));

    test("greedy", async () => {
      for (const { input_ids, new_ids } of golden.greedy) {
        expect(await newIds([input_ids], ones([input_ids]), { maxNewTokens: 24, doSample: false })).toEqual([new_ids]);
      }
    });

    if (golden.batch) {
      test("left-padded batch", async () => {
        const { input_ids, attention_mask, new_ids } = golden.batch!;
        expect(await newIds(input_ids, attention_mask, { maxNewTokens: 24, doSample: false })).toEqual(new_ids);
      });

      test("right-padded batch", async () => {
        const { input_ids, attention_mask, new_ids } = golden.batch!;
        const right = (rows: number[][], row: number) => {
          const kept = rows[row]!.filter((_, place) => attention_mask[row]![place] === 1);
          return [...kept, ...new Array<number>(rows[row]!.length - kept.length).fill(0)];
        };
        const ids = input_ids.map((_, row) => right(input_ids, row));
        const mask = attention_mask.map((_, row) => right(attention_mask, row));
        expect(await newIds(ids, mask, { maxNewTokens: 24, doSample: false })).toEqual(new_ids);
      });
    }

    test("logits of the last position", async () => {
      const { input_ids, logits } = golden.forward;
      const options = { maxNewTokens: 1, doSample: false, outputLogits: true, returnDictInGenerate: true };
      const result = await model.generate({ inputIds: [input_ids], ...options });
      const expected = logits.at(-1)!;
      const scale = Math.max(...expected.map(Math.abs));
      const got = result.logits![0]![0]!;
      expect(Math.max(...expected.map((value, i) => Math.abs(value - got[i]!))) / scale).toBeLessThan(1e-4);
    });

    const modes = (golden.modes ?? []).filter(({ kwargs }) => isSupported(kwargs));
    test.each(modes)("$input $kwargs", async ({ kwargs, seed, input, input_ids, new_ids }) => {
      const mask = input === "batch" ? golden.batch!.attention_mask : ones(input_ids);
      setSeed(seed);
      expect(await newIds(input_ids, mask, camelKeys(kwargs))).toEqual(new_ids);
      if (kwargs.do_sample) expect(await newIds(input_ids, mask, { ...camelKeys(kwargs), seed })).toEqual(new_ids);
    });
  });
}
