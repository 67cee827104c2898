import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AutoModelForCausalLM } from "../../src/generate/auto-model.ts";
import type { CausalLM } from "../../src/generate/causal-lm.ts";
import { WatermarkDetector } from "../../src/generate/watermark-detector.ts";
import { camelCase } from "../../src/util/letter-case.ts";
import { setWarningHandler } from "../../src/util/warnings.ts";

// Random combinations of processors: what transformers generates (tools/golden/processors.py).

interface Case {
  kwargs: Record<string, unknown>;
  seed: number;
  input_ids: number[][];
  attention_mask: number[][];
  new_ids: number[][];
  negative_prompt_ids?: number[][];
  prefix?: boolean;
  transition_scores?: { false: (number | null)[]; true: (number | null)[] };
  detector?: { scored: number[]; green: number[]; z: number[]; p: number[] };
}

const fixtures = join(import.meta.dirname, "../fixtures");
const files = readdirSync(join(fixtures, "decoding/processors")).filter((file) => file.endsWith(".json"));
const vocabularySize = 128;

/** The rule of the cases with a prefix function. */
const allowed = (row: number, ids: readonly number[]) =>
  Array.from({ length: vocabularySize - 3 }, (_, i) => i + 3).filter((token) => (token + ids.at(-1)! + row) % 3 !== 0);

function toOptions({ kwargs, prefix, seed, negative_prompt_ids }: Case): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(kwargs)) options[camelCase(name)] = value;
  if (Array.isArray(options.sequenceBias)) {
    options.sequenceBias = options.sequenceBias.map(([ids, bias]) => [ids, bias === "-inf" ? -Infinity : bias]);
  }
  if (negative_prompt_ids) options.negativePromptIds = negative_prompt_ids;
  if (prefix) options.prefixAllowedTokensFn = allowed;
  if (kwargs.do_sample) options.seed = seed;
  return options;
}

beforeAll(() => setWarningHandler(() => {}));
afterAll(() => setWarningHandler());

for (const device of ["reference", "cpu"] as const) {
  describe.each(files)(`%s on ${device}`, (file) => {
    const { cases } = JSON.parse(readFileSync(join(fixtures, "decoding/processors", file), "utf8")) as { cases: Case[] };
    let model: CausalLM;
    beforeAll(async () => {
      const directory = join(fixtures, "models", file.replace(".json", ""));
      model = await AutoModelForCausalLM.fromPretrained(directory, { dtype: "float32", device });
    });
    afterAll(() => model?.dispose());

    test.each(cases.map((entry, index) => [index, JSON.stringify(entry.kwargs), entry] as const))(
      "%i %s",
      async (_, __, entry) => {
        const { input_ids, attention_mask, new_ids, transition_scores } = entry;
        const width = input_ids[0]!.length;
        const outputScores = transition_scores !== undefined;
        const inputs = { inputIds: input_ids, attentionMask: attention_mask, outputScores };
        const { sequences, scores } = await model.generate({ ...inputs, ...toOptions(entry) });
        expect(sequences.map((row) => row.slice(width))).toEqual(new_ids);
        if (!transition_scores) return;
        for (const normalise of [false, true]) {
          const [row] = model.computeTransitionScores(sequences, scores!, undefined, normalise) as [Float32Array];
          const expected = transition_scores[`${normalise}`];
          expect(row.length).toBe(expected.length);
          expected.forEach((value, step) => {
            if (value !== null) expect(row[step]).toBeCloseTo(value, 3);
          });
        }
      },
    );
  });
}

describe("WatermarkDetector", () => {
  const marked = files.flatMap(
    (file) => (JSON.parse(readFileSync(join(fixtures, "decoding/processors", file), "utf8")) as { cases: Case[] }).cases,
  );
  test.each(marked.filter(({ detector }) => detector))("$kwargs.watermarking_config", ({ kwargs, new_ids, detector }) => {
    const watermarkingConfig = kwargs.watermarking_config as object;
    const rows = new WatermarkDetector({ vocabularySize, watermarkingConfig, bosTokenId: 1 }).detect(new_ids);
    expect(rows.map((row) => row.tokensScored)).toEqual(detector!.scored);
    expect(rows.map((row) => row.greenTokens)).toEqual(detector!.green);
    rows.forEach((row, i) => {
      expect(row.zScore).toBeCloseTo(detector!.z[i]!, 10);
      expect(row.pValue).toBeCloseTo(detector!.p[i]!, 10);
      expect(row.prediction).toBe(detector!.z[i]! > 3);
    });
  });
});
