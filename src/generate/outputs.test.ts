import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { setWarningHandler } from "../util/warnings.ts";
import { AutoModelForCausalLM } from "./auto-model.ts";
import type { CausalLM } from "./causal-lm.ts";
import { computeTransitionScores } from "./transition-scores.ts";
import { WatermarkDetector } from "./watermark-detector.ts";

const fixtures = join(import.meta.dirname, "../../test/fixtures");
const inputIds = [
  [1, 22, 41, 55],
  [1, 30, 31, 90],
];
let model: CausalLM;
beforeAll(async () => {
  setWarningHandler(() => {});
  model = await AutoModelForCausalLM.fromPretrained(join(fixtures, "models/llama"), { device: "reference" });
});
afterAll(async () => {
  await model.dispose();
  setWarningHandler();
});

describe("stoppingCriteria", () => {
  test("end rows by themselves, and see pads and new tokens", async () => {
    const seen: [number, number[]][] = [];
    const padded = [
      [0, 1, 22, 41],
      [1, 30, 31, 90],
    ];
    const { sequences, finishReasons } = await model.generate({
      inputIds: padded,
      attentionMask: padded.map((row) => row.map((id) => (id === 0 ? 0 : 1))),
      maxNewTokens: 5,
      eosTokenId: null,
      padTokenId: 9,
      stoppingCriteria: [
        (ids, row) => {
          seen.push([row, [...ids]]);
          return row === 0 && ids.length === 6;
        },
        () => false,
      ],
    });
    expect(finishReasons).toEqual(["stop", "length"]);
    expect(sequences[0]!.slice(6)).toEqual([9, 9, 9]);
    expect(seen.filter(([row]) => row === 0).map(([, ids]) => ids)).toEqual([
      sequences[0]!.slice(0, 5),
      sequences[0]!.slice(0, 6),
    ]);
    expect(seen.filter(([row]) => row === 1)).toHaveLength(5);
  });

  test("copies end by themselves", async () => {
    const options = {
      inputIds: inputIds[0]!,
      doSample: true,
      numReturnSequences: 3,
      maxNewTokens: 4,
      seed: 1,
      eosTokenId: null,
    };
    const { finishReasons } = await model.generate({ ...options, stoppingCriteria: [(_, row) => row === 1] });
    expect(finishReasons).toEqual(["length", "stop", "length"]);
  });

  test("wrong lists and wrong answers are refused", async () => {
    const options = { inputIds, maxNewTokens: 3 };
    const wrong = [5] as unknown as [];
    await expect(model.generate({ ...options, stoppingCriteria: wrong })).rejects.toThrow("`stoppingCriteria`");
    const later = [async () => true] as unknown as [];
    await expect(model.generate({ ...options, stoppingCriteria: later })).rejects.toThrow("not a promise");
  });
});

describe("scores and logits", () => {
  test("by step and row; null for rows that have ended", async () => {
    const first = await model.generate({ inputIds, maxNewTokens: 6, eosTokenId: null });
    const end = first.sequences[1]![5]!; // row 1 ends with its second token
    const result = await model.generate({
      inputIds,
      maxNewTokens: 6,
      eosTokenId: [end],
      suppressTokens: [100],
      outputScores: true,
      outputLogits: true,
      returnDictInGenerate: true,
    });
    const { scores, logits, sequences } = result;
    expect(scores).toHaveLength(sequences[0]!.length - 4);
    expect(logits).toHaveLength(scores!.length);
    expect(scores!.map(([, row]) => row === null)).toEqual(scores!.map((_, step) => step > 1));
    for (const [step, [row]] of scores!.entries()) {
      expect(row!.length).toBe(128);
      expect(row![100]).toBe(-Infinity);
      expect(logits![step]![0]![100]).toBeGreaterThan(-Infinity);
      expect(row![sequences[0]![4 + step]!]).toBe(Math.max(...row!));
    }
    const transitions = model.computeTransitionScores(sequences, scores!);
    expect(transitions[0]![0]).toBe(scores![0]![0]![sequences[0]![4]!]);
    expect(Array.from(transitions[1]!.slice(2))).toEqual(scores!.slice(2).map(() => 0));
    const normalised = computeTransitionScores(sequences, scores!, undefined, true);
    expect(normalised[0]!.every((score) => score < 0)).toBe(true);
  });

  test("beam indices say which row of scores a token came from", () => {
    const scores = [
      [Float32Array.of(1, 2), Float32Array.of(3, 4)],
      [Float32Array.of(5, 6), Float32Array.of(7, 8)],
    ];
    const rows = [
      [9, 1, 0],
      [9, 0, 1],
    ];
    const indices = [
      [0, 1],
      [1, -1],
    ];
    expect(computeTransitionScores(rows, scores, indices).map((row) => Array.from(row))).toEqual([
      [2, 7],
      [3, 0],
    ]);
    expect(() => computeTransitionScores(rows, scores, [[0]])).toThrow("one row for each of 2 sequences");
  });

  test("a stream refuses them", () => {
    const options = { inputIds: inputIds[0]!, outputScores: true };
    expect(() => model.stream(options)).toThrow("outputScores");
  });
});

describe("options that belong together", () => {
  test.each([
    [{ negativePromptIds: [1, 2] }, "only with `guidanceScale`"],
    [{ guidanceScale: 2, negativePromptIds: [[1], [2], [3]] }, "1 or 2. Given: 3"],
    [{ guidanceScale: 2, negativePromptAttentionMask: [1, 0] }, "no `negativePromptIds`"],
    [{ guidanceScale: 2, numBeams: 2 }, "guidance of beams"],
    [{ doSample: true, mirostat: {}, topP: 0.5 }, "takes the place of"],
    [{ suppressTokens: [2], forcedEosTokenId: 2 }, "a forced token cannot be suppressed"],
  ])("%j is refused", async (options, message) => {
    await expect(model.generate({ inputIds, maxNewTokens: 2, ...options })).rejects.toThrow(message);
  });

  test("guidance of 1 does nothing, copies are guided each", async () => {
    const plain = await model.generate({ inputIds, maxNewTokens: 5 });
    const one = await model.generate({ inputIds, maxNewTokens: 5, guidanceScale: 1 });
    expect(one.sequences).toEqual(plain.sequences);
    const options = { inputIds, maxNewTokens: 5, guidanceScale: 3, doSample: true, seed: 2, numReturnSequences: 2 };
    const events: number[] = [];
    const copies = await model.generate({ ...options, eosTokenId: null, onToken: ({ row }) => events.push(row) });
    expect(copies.sequences).toHaveLength(4);
    expect([...new Set(events)].sort()).toEqual([0, 1, 2, 3]);
    expect(events).toHaveLength(20);
    expect(model.statistics()).toMatchObject({ running: 0, waiting: 0 });
  });
});

test("a watermark is found, and not where there is none", async () => {
  const watermarkingConfig = { bias: 6 };
  const options = { inputIds, maxNewTokens: 60, doSample: true, topK: 0, seed: 3, eosTokenId: null };
  const marked = await model.generate({ ...options, watermarkingConfig });
  const plain = await model.generate(options);
  const detector = new WatermarkDetector({ vocabularySize: 128, watermarkingConfig });
  const answers = (rows: number[][]) => rows.map((row) => row.slice(4));
  for (const row of detector.detect(answers(marked.sequences))) expect(row).toMatchObject({ prediction: true });
  for (const row of detector.detect(answers(plain.sequences))) expect(row).toMatchObject({ prediction: false });
  expect(() => detector.detect([[1]])).toThrow("longer than");
  const repeated = new WatermarkDetector({ vocabularySize: 128, ignoreRepeatedNgrams: true }).detect([[5, 6, 5, 6, 5, 6]]);
  expect(repeated[0]!.tokensScored).toBe(2);
});
