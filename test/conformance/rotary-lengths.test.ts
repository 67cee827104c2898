import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AutoModelForCausalLM } from "../../src/generate/auto-model.ts";
import type { CausalLM } from "../../src/generate/causal-lm.ts";
import { camelCase } from "../../src/util/letter-case.ts";
import { setWarningHandler } from "../../src/util/warnings.ts";

interface Case {
  model: string;
  seed: number;
  options: Record<string, unknown>;
  inputIds: number[][];
  attentionMask: number[][];
  newTokens: number[][];
}

const fixtures = join(import.meta.dirname, "../fixtures");
const { cases } = JSON.parse(readFileSync(join(fixtures, "decoding/rotary-lengths.json"), "utf8")) as { cases: Case[] };
const camelKeys = (value: object) => Object.fromEntries(Object.entries(value).map(([key, item]) => [camelCase(key), item]));
const lengths = ({ attentionMask }: Case) => attentionMask.map((row) => row.filter(Boolean).length);

beforeAll(() => setWarningHandler(() => {}));
afterAll(() => setWarningHandler());

describe.each(["reference", "cpu"] as const)("rotary frequencies that follow the length, on %s", (device) => {
  describe.each([...new Set(cases.map(({ model }) => model))])("%s", (name) => {
    const load = (options: object = {}) =>
      AutoModelForCausalLM.fromPretrained(join(fixtures, "models", name), { dtype: "float32", device, ...options });
    const answer = async (model: CausalLM, { seed, options, inputIds, attentionMask }: Case, more: object = {}) => {
      const own = { ...camelKeys(options), seed: options.do_sample ? seed : undefined, ...more };
      const { sequences } = await model.generate({ inputIds, attentionMask, ...own });
      return sequences.map((row) => row.slice(inputIds[0]!.length));
    };
    let model: CausalLM;
    beforeAll(async () => {
      model = await load();
    });
    afterAll(() => model?.dispose());

    const own = cases.filter((item) => item.model === name);
    test.each(own.map((item) => [`${lengths(item)} ${JSON.stringify(item.options)}`, item] as const))("%s", async (_, item) => {
      expect(await answer(model, item)).toEqual(item.newTokens);
    });

    test("with drafts", async () => {
      for (const item of own.filter(({ options }) => options.num_beams === undefined)) {
        expect(await answer(model, item, { promptLookupNumTokens: 5, maxMatchingNgramSize: 1 })).toEqual(item.newTokens);
        expect(await answer(model, item, { assistantModel: model, numAssistantTokens: 6 })).toEqual(item.newTokens);
      }
    });

    test("all at once, in a cache where they preempt each other", async () => {
      const small = await load({ contextTokens: 128, cacheBytes: 400_000 });
      const answers = await Promise.all(own.map((item) => answer(small, item)));
      expect(answers).toEqual(own.map(({ newTokens }) => newTokens));
      await small.dispose();
    });
  });
});
