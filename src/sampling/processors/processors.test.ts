import { describe, expect, test } from "vitest";
import { parseOption } from "../../util/schemas.ts";
import { applySteps } from "../chain.ts";
import type { StepPlace } from "../processor.ts";
import { createProcessorChain, readsText } from "../processor-chain.ts";
import { processorDefinitions } from "../processor-definitions.ts";
import { torchStream } from "../rng.ts";
import { permutation } from "../watermark.ts";

const context = (promptTokens: number[], vocabularySize: number) => ({
  promptTokens,
  maxLength: 100,
  eosTokenIds: [],
  vocabularySize,
  beams: 1,
});

/** Parses options as generate does, feeds `tokens`, and gives the processed scores. */
function run(
  options: Record<string, unknown>,
  scores: number[],
  setup: { prompt?: number[]; tokens?: number[]; place?: StepPlace; text?: string[] } = {},
) {
  const values = Object.fromEntries(
    Object.entries(options).map(([name, value]) => [
      name,
      parseOption(processorDefinitions.find((d) => d.name === name)!.schema, value, name),
    ]),
  );
  const encoder = new TextEncoder();
  const tokenBytes = setup.text && ((token: number) => encoder.encode(setup.text![token]));
  const chain = createProcessorChain(values, true, { ...context(setup.prompt ?? [0], scores.length), tokenBytes });
  for (const token of setup.tokens ?? []) chain.accept(token);
  const row = Float32Array.from(scores);
  applySteps(row, chain.steps(setup.place), { vocabularySize: row.length });
  return Array.from(row);
}

test("processors run in transformers' order, each under its own name", () => {
  const names = processorDefinitions.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(names.indexOf("sequenceBias")).toBeLessThan(names.indexOf("repetitionPenalty"));
  expect(names.indexOf("logitsProcessor")).toBeLessThan(names.indexOf("temperature"));
  expect(names.at(-1)).toBe("renormalizeLogits");
  expect(names.at(-2)).toBe("watermarkingConfig");
});

/** A value that turns each processor on. */
const examples: Record<string, unknown> = {
  guidanceScale: 2,
  logitBias: { 1: 1 },
  sequenceBias: [[[1], 1]],
  encoderRepetitionPenalty: 2,
  repetitionPenalty: 2,
  frequencyPenalty: 1,
  presencePenalty: 1,
  dry: { multiplier: 1, sequenceBreakers: [] },
  noRepeatNgramSize: 1,
  encoderNoRepeatNgramSize: 1,
  badWordsIds: [[1]],
  minLength: 50,
  minNewTokens: 50,
  prefixAllowedTokensFn: () => [1, 2],
  forcedBosTokenId: 1,
  forcedEosTokenId: [1, 2],
  removeInvalidValues: true,
  exponentialDecayLengthPenalty: [0, 2],
  suppressTokens: [1],
  beginSuppressTokens: [1],
  logitsProcessor: [() => undefined],
  temperature: 2,
  topNSigma: 1,
  topH: 0.5,
  topK: 2,
  topP: 0.5,
  minP: 0.5,
  typicalP: 0.5,
  epsilonCutoff: 0.1,
  etaCutoff: 0.1,
  xtc: { probability: 1 },
  mirostat: {},
  watermarkingConfig: { seedingScheme: "selfhash" },
  renormalizeLogits: true,
};

test("every processor but three gives plain data", () => {
  const scripted = processorDefinitions.filter(({ name, schema, create }) => {
    const processor = create(parseOption(schema, examples[name], name), { ...context([0, 1, 1, 1], 5), eosTokenIds: [3] });
    for (const token of [1, 1]) processor.accept(token);
    const steps = processor.steps({ row: 0, stream: torchStream(1), offset: 0 });
    const isScripted = steps.some(({ kind }) => kind === "call");
    if (!isScripted) expect(structuredClone(steps)).toEqual(steps);
    return isScripted;
  });
  expect(scripted.map(({ name }) => name)).toEqual(["logitsProcessor", "mirostat", "watermarkingConfig"]);
});

describe("processors that OpenAI defines", () => {
  test("frequency and presence penalties count the answer, not the prompt", () => {
    const setup = { prompt: [2, 2, 2], tokens: [0, 0, 1] };
    expect(run({ frequencyPenalty: 0.5 }, [1, 1, 1], setup)).toEqual([0, 0.5, 1]);
    expect(run({ presencePenalty: 0.5 }, [1, 1, 1], setup)).toEqual([0.5, 0.5, 1]);
    expect(run({ frequencyPenalty: -1 }, [1, 1, 1], setup)).toEqual([3, 2, 1]);
  });

  test("logitBias adds to single tokens", () => {
    expect(run({ logitBias: { 0: -100, 2: 1.5 } }, [1, 1, 1])).toEqual([-99, 1, 2.5]);
    expect(() => run({ logitBias: { 3: 1 } }, [1, 1, 1])).toThrow("token ids below 3");
    expect(() => run({ logitBias: { x: 1 } }, [1])).toThrow("`logitBias`");
  });
});

describe("processors that llama.cpp defines", () => {
  test("topNSigma keeps what is within n deviations of the best; banned tokens do not count", () => {
    // mean 2, deviation √4.5 ≈ 2.12: limit 2.88
    expect(run({ topNSigma: 1 }, [5, 3, 0, 0, -Infinity])).toEqual([5, 3, -Infinity, -Infinity, -Infinity]);
    expect(run({ topNSigma: 0 }, [5, 3])).toEqual([5, 3]);
  });

  test("xtc drops the top choices but the last of them, as often as asked", () => {
    const scores = [0.4, 0.3, 0.2, 0.1].map(Math.log);
    const place = (offset: number) => ({ row: 0, stream: torchStream(7), offset });
    const dropped = (row: number[]) => row.map((value) => value === -Infinity);
    expect(dropped(run({ xtc: { probability: 1, threshold: 0.15 } }, scores, { place: place(0) }))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(dropped(run({ xtc: { probability: 1, threshold: 0.35 } }, scores, { place: place(0) }))).toEqual([
      false,
      false,
      false,
      false,
    ]);
    let often = 0;
    for (let step = 0; step < 1000; step++) {
      if (run({ xtc: { probability: 0.3, threshold: 0.15 } }, scores, { place: place(8 * step) })[0] === -Infinity) often++;
    }
    expect(often).toBeGreaterThan(250);
    expect(often).toBeLessThan(350);
  });

  test("mirostat drops what surprises more than 2 · tau, then follows what was drawn", () => {
    const scores = [0.5, 0.25, 0.125, 0.125].map(Math.log);
    const values = { mirostat: { version: 2, tau: 1.25, eta: 0.5 }, topK: 1 };
    const chain = createProcessorChain(values, true, context([0], 4));
    const kept = (target: typeof chain) => {
      const row = Float32Array.from(scores);
      applySteps(row, target.steps(), { vocabularySize: 4 });
      return [...row.keys()].filter((token) => row[token] !== -Infinity);
    };
    expect(kept(chain)).toEqual([0, 1]); // limit 2.5 bits: 3 are too many; topK has no effect beside it
    const fork = chain.fork();
    chain.accept(1); // of [2/3, 1/3]: log2 3 bits; limit 2.5 − 0.5 · (1.585 − 1.25) = 2.33
    expect(kept(chain)).toEqual([0, 1]);
    for (let i = 0; i < 3; i++) {
      chain.accept(1);
      kept(chain);
    }
    expect(kept(chain)).toEqual([0]); // 2.5 − 4 · 0.1675 = 1.83 bits
    fork.accept(0); // 0.585 bits: limit 2.83
    expect(kept(fork)).toEqual([0, 1]);
    fork.accept(0); // 3.16
    expect(kept(fork)).toEqual([0, 1, 2, 3]);
  });

  test("dry: the penalty grows with the length of the repeat that a token would continue", () => {
    const dry = { multiplier: 1, base: 2, allowedLength: 2, sequenceBreakers: [] };
    const scores = new Array<number>(6).fill(10);
    // … 1 2 3 4 … 1 2 3: 4 would make it 4 long, after 3 that repeat
    expect(run({ dry }, scores, { prompt: [1, 2, 3, 4, 5], tokens: [1, 2, 3] })).toEqual([10, 10, 10, 10, 8, 10]);
    expect(run({ dry }, scores, { prompt: [1, 2, 3, 4, 5], tokens: [2, 3] })).toEqual([10, 10, 10, 10, 9, 10]);
    expect(run({ dry }, scores, { prompt: [1, 2, 3, 4, 5], tokens: [3] })).toEqual(scores);
    // the longest of several repeats counts; the run may overlap itself
    expect(run({ dry }, scores, { prompt: [1, 1, 1, 1] })).toEqual([10, 8, 10, 10, 10, 10]);
    expect(run({ dry: { ...dry, penaltyLastN: 4 } }, scores, { prompt: [1, 2, 3, 4, 5], tokens: [1, 2, 3] })).toEqual(scores);
  });

  test("dry: nothing repeats across a breaker, and a breaker is never penalised", () => {
    const dry = { multiplier: 1, base: 2, allowedLength: 1, sequenceBreakers: ["\n", "ab"] };
    const text = ["x", "y", "z", "\n", "a", "b!"];
    const scores = new Array<number>(6).fill(10);
    const behind = (tokens: number[]) => run({ dry }, scores, { prompt: tokens, text });
    expect(behind([0, 1, 2, 0, 1])).toEqual([10, 10, 8, 10, 10, 10]);
    expect(behind([0, 1, 2, 0, 3, 1])).toEqual([10, 10, 9, 10, 10, 10]); // "x" lies before the line's end
    expect(behind([4, 5, 2, 4, 5])).toEqual(scores); // "a" and "b!" are "ab!"
    expect(behind([0, 1, 3, 0, 1])).toEqual(scores);
    expect(readsText({ dry: { ...dry, penaltyLastN: -1 } }, false)).toBe(true);
    expect(readsText({ dry: { ...dry, penaltyLastN: -1, sequenceBreakers: [] } }, false)).toBe(false);
  });

  test("dry agrees with counting by hand on random rows", () => {
    let state = 1;
    const random = (limit: number) => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return (state >>> 16) % limit;
    };
    for (let round = 0; round < 200; round++) {
      const row = Array.from({ length: 1 + random(40) }, () => random(3));
      const expected = [0, 0, 0];
      for (let next = 1; next < row.length; next++) {
        let length = 0;
        while (next - 1 - length >= 0 && row[next - 1 - length] === row.at(-1 - length)) length++;
        if (length >= 2) expected[row[next]!] = Math.min(expected[row[next]!]!, -(1.5 ** (length - 2)));
      }
      const dry = { multiplier: 1, base: 1.5, allowedLength: 2, sequenceBreakers: [] };
      expect(run({ dry }, [0, 0, 0], { prompt: row })).toEqual(expected.map(Math.fround));
    }
  });
});

test.each([{ xtc: { probability: 1, threshold: 0.1 } }, { mirostat: { version: 2, tau: 5, eta: 0.1 } }])(
  "no beams with %j",
  (values) => {
    expect(() => createProcessorChain(values, true, { ...context([0], 4), beams: 2 })).toThrow("`numBeams` above 1");
  },
);

describe("processors of the caller", () => {
  test("change scores in place or give others, and see the row", () => {
    const seen: unknown[] = [];
    const logitsProcessor = [
      (ids: readonly number[], scores: Float32Array, row: number) => {
        seen.push([...ids], row);
        scores[0] = 9;
      },
      { process: (_: readonly number[], scores: Float32Array) => scores.map((score) => 2 * score) },
    ];
    expect(run({ logitsProcessor }, [1, 2], { prompt: [1], tokens: [0], place: { row: 3 } })).toEqual([18, 4]);
    expect(seen).toEqual([[1, 0], 3]);
  });

  test("wrong results and wrong lists are refused", () => {
    expect(() => run({ logitsProcessor: [() => new Float32Array(3)] }, [1, 2])).toThrow("Float32Array of 2 scores");
    expect(() => run({ logitsProcessor: [{}] }, [1, 2])).toThrow("`logitsProcessor`");
    expect(() => run({ logitsProcessor: 5 }, [1, 2])).toThrow("`logitsProcessor`");
  });
});

describe("checks", () => {
  test.each([
    [{ sequenceBias: [] }, "not empty"],
    [{ sequenceBias: [[[], 1]] }, "none of them empty"],
    [{ sequenceBias: [[[1], "x"]] }, "[token ids, bias]"],
    [{ badWordsIds: [[]] }, "none of them empty"],
    [{ badWordsIds: [[7]] }, "token ids below 2"],
    [{ noRepeatNgramSize: -1 }, "at least 0"],
    [{ forcedEosTokenId: 4 }, "token ids below 2"],
    [{ exponentialDecayLengthPenalty: [1] }, "[start, factor]"],
    [{ exponentialDecayLengthPenalty: [1, 2] }, "no end token"],
    [{ suppressTokens: 3 }, "a list of token ids"],
    [{ prefixAllowedTokensFn: () => [] }, "at least one token"],
    [{ watermarkingConfig: { greenlist_ratio: 1 } }, "above 0, below 1"],
    [{ watermarkingConfig: { ratio: 1 } }, "only greenlistRatio"],
    [{ mirostat: { version: 1 } }, "Mirostat 1 is not supported"],
    [{ topH: 0 }, "above 0, up to 1"],
    [{ xtc: { probability: 2 } }, "from 0 to 1"],
  ])("%j is refused", (options, message) => {
    expect(() => run(options, [1, 2])).toThrow(message);
  });

  test.each([
    [["x"], '["x"]'],
    ["x", '"x"'],
    [[0, 1.5], "1.5"],
    [[-1], "-1"],
    [[2], "2"],
    [undefined, "undefined"],
    [1, "1"],
    [Promise.resolve([1]), "a promise"],
  ])("prefixAllowedTokensFn that gives %j is refused", (given, shown) => {
    const allow = () => given as number[];
    const message = `Option \`prefixAllowedTokensFn\` must be a function that gives a list of token ids from 0 to 1. Given: ${shown}.`;
    expect(() => run({ prefixAllowedTokensFn: allow }, [1, 2])).toThrow(message);
  });

  test("prefixAllowedTokensFn may give any iterable of ids", () => {
    expect(run({ prefixAllowedTokensFn: () => new Set([1]) }, [1, 2])).toEqual([-Infinity, 2]);
    expect(run({ prefixAllowedTokensFn: () => Int32Array.of(0) }, [1, 2])).toEqual([1, -Infinity]);
  });

  test("allowed tokens that are all banned come back", () => {
    const options = { suppressTokens: [1], badWordsIds: [[1]], prefixAllowedTokensFn: () => [1] };
    expect(run(options, [5, 5])).toEqual([-Infinity, -Infinity]); // suppressed behind it
    expect(run({ badWordsIds: [[1]], prefixAllowedTokensFn: () => [1] }, [5, 5])).toEqual([-Infinity, 0]);
  });
});

test("permutation is torch.randperm", () => {
  // torch.randperm(10, generator=torch.Generator().manual_seed(3))
  expect(Array.from(permutation(10, 3))).toEqual([6, 0, 3, 7, 8, 5, 1, 9, 2, 4]);
  expect(Array.from(permutation(10, 3, 4))).toEqual([6, 0, 3, 7, 8, 5, 1, 9, 2, 4].slice(0, 4));
});

test("encoderRepetitionPenalty reads the prompts whose rows it is asked for, once, and no others", () => {
  let reads = 0;
  const encoderRows = [[1, 1, 2], [3]];
  Object.defineProperty(encoderRows, 1, { get: () => [3, ++reads] });
  const chain = createProcessorChain({ encoderRepetitionPenalty: 2 }, true, { ...context([1], 5), encoderRows });
  const tokensOf = (scoreRow: number) =>
    chain.steps({ row: 0, scoreRow }).map((step) => (step.kind === "edit" ? [...step.tokens] : step.kind));
  expect(tokensOf(0)).toEqual([[1, 2]]);
  expect(reads).toBe(0);
  expect([tokensOf(1), tokensOf(1), chain.fork().steps({ row: 1 })]).toEqual([[[3, 1]], [[3, 1]], chain.steps({ row: 1 })]);
  expect(reads).toBe(1);
  expect(tokensOf(2)).toEqual([]);
});
