import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AutoModelForCausalLM, AutoModelForSeq2SeqLM } from "../../src/generate/auto-model.ts";
import type { CausalLM } from "../../src/generate/causal-lm.ts";
import { camelCase } from "../../src/util/letter-case.ts";
import { setWarningHandler } from "../../src/util/warnings.ts";

// Random combinations of generate's options: what transformers answers (tools/golden/fuzz_options.py).

type Numbers = [finite: number, greatest: number | null][][];

interface Case {
  model: string;
  seed: number;
  options: Record<string, unknown>;
  inputIds: number[][];
  attentionMask: number[][] | null;
  negativePromptIds?: number[][];
  prefix: boolean;
  process: boolean;
  stop: boolean;
  error?: string;
  sequences: number[][];
  scores?: Numbers;
  logits?: Numbers;
  sequencesScores?: number[];
  beamIndices?: number[][];
}

const fixtures = join(import.meta.dirname, "../fixtures");
const file = process.env.OPTIONS_GOLDEN ?? join(fixtures, "decoding/options.json");
const { cases } = JSON.parse(readFileSync(file, "utf8")) as { cases: Case[] };
const encodes = ["t5", "bart", "mt5", "mbart"];

/** The rule of the cases with a prefix function. */
const allowed = (vocabularySize: number) => (row: number, ids: readonly number[]) =>
  Array.from({ length: vocabularySize - 2 }, (_, i) => i + 2).filter((token) => (token + ids.at(-1)! + row) % 3 !== 0);

/** The logits processor of the cases with one. */
const favour = (ids: readonly number[], scores: Float32Array): void => {
  for (let token = 0; token < scores.length; token++) if ((token + ids.length) % 5 === 0) scores[token]! += 1.5;
};

/** The stopping criterion of the cases with one. */
const ends = (ids: readonly number[]): boolean => (ids.at(-1)! * 7 + ids.length) % 11 === 0;

function optionsOf({ options, prefix, process, stop, seed, negativePromptIds }: Case): Record<string, unknown> {
  const result = Object.fromEntries(Object.entries(options).map(([name, value]) => [camelCase(name), value]));
  // the fixtures have vocabularies of 128
  if (prefix) result.prefixAllowedTokensFn = allowed(128);
  if (process) result.logitsProcessor = [favour];
  if (stop) result.stoppingCriteria = [ends];
  if (negativePromptIds) result.negativePromptIds = negativePromptIds;
  if (options.do_sample) result.seed = seed;
  return { ...result, outputScores: true };
}

/** Rows that have ended are null here; transformers goes on with pads. */
function expectNumbers(steps: readonly (readonly (Float32Array | null)[])[], expected: Numbers): void {
  expect(steps).toHaveLength(expected.length);
  steps.forEach((rows, step) => {
    expect(rows).toHaveLength(expected[step]!.length);
    rows.forEach((scores, row) => {
      if (!scores) return;
      const [finite, greatest] = expected[step]![row]!;
      expect([step, row, scores.filter((score) => Number.isFinite(score)).length]).toEqual([step, row, finite]);
      if (greatest !== null) {
        const wrong = Math.abs(scores.reduce((a, b) => Math.max(a, b)) - greatest) / Math.max(1, Math.abs(greatest));
        expect(wrong, `step ${step}, row ${row}`).toBeLessThan(2e-3);
      }
    });
  });
}

beforeAll(() => setWarningHandler(() => {}));
afterAll(() => setWarningHandler());

describe.each(["reference", "cpu"] as const)("options of generate on %s", (device) => {
  describe.each([...new Set(cases.map(({ model }) => model))])("%s", (name) => {
    let model: CausalLM;
    beforeAll(async () => {
      const auto = encodes.includes(name) ? AutoModelForSeq2SeqLM : AutoModelForCausalLM;
      const folder = join(fixtures, encodes.includes(name) ? "encoder-decoder" : "models", name);
      model = await auto.fromPretrained(folder, { dtype: "float32", device });
    });
    afterAll(() => model?.dispose());

    const own = cases.filter((item) => item.model === name);
    test.each(own.map((item) => [item.seed, JSON.stringify(item.options), item] as const))("%i %s", async (_, __, item) => {
      const { inputIds, attentionMask, error } = item;
      const call = model.generate({ inputIds, attentionMask, ...optionsOf(item) });
      if (error !== undefined) {
        await expect(call, error).rejects.toThrow();
        return;
      }
      const result = await call;
      expect(result.sequences).toEqual(item.sequences);
      if (item.beamIndices) expect(result.beamIndices).toEqual(item.beamIndices);
      item.sequencesScores?.forEach((score, row) => {
        expect(Math.abs(result.sequencesScores![row]! - score) / Math.max(1, Math.abs(score))).toBeLessThan(1e-3);
      });
      if (item.scores) expectNumbers(result.scores!, item.scores);
      if (item.logits) expectNumbers(result.logits!, item.logits);
    });
  });
});
