import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AutoModelForCausalLM } from "../../src/generate/auto-model.ts";
import type { CausalLM } from "../../src/generate/causal-lm.ts";
import { camelCase } from "../../src/generate/generation-fields.ts";
import { setWarningHandler } from "../../src/generate/warnings.ts";

interface Case {
  seed: number;
  options: Record<string, unknown>;
  inputIds: number[][];
  attentionMask: number[][];
  newTokens: number[][];
}

const fixtures = join(import.meta.dirname, "../fixtures");
const { cases } = JSON.parse(readFileSync(join(fixtures, "decoding/longrope.json"), "utf8")) as { cases: Case[] };
const camelKeys = (value: object) => Object.fromEntries(Object.entries(value).map(([key, item]) => [camelCase(key), item]));

beforeAll(() => setWarningHandler(() => {}));
afterAll(() => setWarningHandler());

describe.each(["reference", "cpu"] as const)("past the switch of longrope on %s", (device) => {
  const load = (options: object = {}) =>
    AutoModelForCausalLM.fromPretrained(join(fixtures, "models/phi3_longrope"), { dtype: "float32", device, ...options });
  const answer = async (model: CausalLM, { seed, options, inputIds, attentionMask }: Case) => {
    const own = { ...camelKeys(options), seed: options.do_sample ? seed : undefined };
    const { sequences } = await model.generate({ inputIds, attentionMask, ...own });
    return sequences.map((row) => row.slice(inputIds[0]!.length));
  };
  let model: CausalLM;
  beforeAll(async () => {
    model = await load();
  });
  afterAll(() => model?.dispose());

  test.each(cases.map((item) => [`${item.inputIds.map((row) => row.length)} ${JSON.stringify(item.options)}`, item] as const))(
    "%s",
    async (_, item) => expect(await answer(model, item)).toEqual(item.newTokens),
  );

  test("all at once, in a cache where they preempt each other", async () => {
    const small = await load({ contextTokens: 128, cacheBytes: 400_000 });
    const answers = await Promise.all(cases.map((item) => answer(small, item)));
    expect(answers).toEqual(cases.map(({ newTokens }) => newTokens));
    await small.dispose();
  });
});
