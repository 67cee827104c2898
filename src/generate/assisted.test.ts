import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { draftsOf, failureOf as failure, loadFixture as load, useDraftingPair } from "../../test/helpers/drafting-pair.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { AutoModelForSeq2SeqLM } from "./auto-model.ts";
import type { CausalLM } from "./causal-lm.ts";
import type { GenerateOptions } from "./generate-options.ts";

const fixtures = join(import.meta.dirname, "../../test/fixtures");
const pair = useDraftingPair();
let model: CausalLM;
let near: CausalLM;
let tokenizer: Tokenizer;
beforeAll(() => {
  ({ model, near, tokenizer } = pair);
});

const prompt = [1, 22, 41, 55];
const drafts = (more: GenerateOptions = {}) => draftsOf(pair, more);

describe("with drafts as without", () => {
  const options = { inputIds: prompt, maxNewTokens: 24, eosTokenId: null };

  test("in fewer steps", async () => {
    const before = model.statistics().steps;
    const plain = await model.generate(options);
    const between = model.statistics().steps;
    const { sequences, assisted } = await model.generate({ ...options, ...drafts() });
    expect(sequences).toEqual(plain.sequences);
    expect(plain.assisted).toBeUndefined();
    expect(between - before).toBe(24);
    expect(model.statistics().steps - between).toBe(24 - assisted!.accepted);
    expect(assisted!.accepted).toBeGreaterThan(15);
    expect(assisted!.accepted).toBeLessThanOrEqual(assisted!.drafted);
  });

  test("scores, logits and hidden states: one entry for each token", async () => {
    const outputs = { outputScores: true, outputLogits: true, outputHiddenStates: true, repetitionPenalty: 1.3 };
    const rows = { ...options, inputIds: [prompt, [1, 5, 6, 7]], eosTokenId: [9, 31, 77] };
    for (const more of [{}, { doSample: true, seed: 5, numReturnSequences: 2 }]) {
      const plain = await model.generate({ ...rows, ...outputs, ...more });
      for (const way of [drafts(), { promptLookupNumTokens: 4 }]) {
        const { assisted, ...result } = await model.generate({ ...rows, ...outputs, ...more, ...way });
        expect(assisted!.drafted).toBeGreaterThan(0);
        expect(result).toEqual(plain);
      }
    }
  });

  test("stop strings, criteria, forced ends and listeners: to the token", async () => {
    const { sequences } = await model.generate(options);
    const text = tokenizer.decode(sequences[0]!.slice(4));
    const cases: GenerateOptions[] = [
      { stopStrings: text.slice(9, 12), tokenizer },
      { stoppingCriteria: [(ids) => ids.length === 17] },
      { eosTokenId: sequences[0]![15]!, padTokenId: 0 },
      { forcedEosTokenId: 7, eosTokenId: 7 },
      { noRepeatNgramSize: 2, minNewTokens: 10 },
      { logitsProcessor: [(ids, scores) => void (ids.length % 3 === 0 && scores.fill(-1, 0, 64))] },
      { doSample: true, seed: 3, mirostat: { tau: 3 } },
      { doSample: true, seed: 3, xtc: { probability: 0.5, threshold: 0.02 }, topK: 20 },
    ];
    for (const more of cases) {
      const heard = async (way: GenerateOptions) => {
        const events: unknown[] = [];
        const pieces: number[] = [];
        const streamer = { put: (ids: readonly number[]) => void pieces.push(...ids), end: () => void pieces.push(-1) };
        const onToken = (event: unknown) => void events.push(event);
        const result = await model.generate({ ...options, ...more, ...way, onToken, streamer } as GenerateOptions);
        return { sequences: result.sequences, finishReasons: result.finishReasons, events, pieces };
      };
      const plain = await heard({});
      expect(await heard(drafts())).toEqual(plain);
      expect(await heard({ promptLookupNumTokens: 6, maxMatchingNgramSize: 1 })).toEqual(plain);
    }
  });

  test("streams", async () => {
    const say = async (way: GenerateOptions) => {
      const stream = model.stream({ ...options, tokenizer, ...way });
      const pieces: string[] = [];
      for await (const piece of stream) pieces.push(piece);
      return { pieces, ...(await stream.result), timings: undefined };
    };
    expect(await say(drafts())).toEqual(await say({}));
  });

  test("an assistant that rows share, and one with less room than there are rows", async () => {
    const inputIds = Array.from({ length: 12 }, (_, row) => [1, 3 + row, 90 - row]);
    const rows = { ...options, inputIds, doSample: true, seed: 8, numReturnSequences: 2 };
    const { sequences } = await model.generate(rows);
    expect((await model.generate({ ...rows, ...drafts() })).sequences).toEqual(sequences);
    const small = await load("llama", { dtype: "bfloat16", maxBatchSize: 2, contextTokens: 16 });
    const { sequences: same, assisted } = await model.generate({ ...rows, ...drafts({ assistantModel: small }) });
    expect(same).toEqual(sequences);
    expect(assisted!.drafted).toBeGreaterThan(0);
    expect(small.statistics()).toMatchObject({ running: 0, waiting: 0, parked: 0 });
    await small.dispose();
  });

  test("an assistant without room for the row, or of fewer positions, leaves it alone", async () => {
    const long = { ...options, inputIds: Array.from({ length: 40 }, (_, index) => 3 + (index % 100)) };
    const { sequences } = await model.generate(long);
    const tiny = await load("llama", { dtype: "bfloat16", maxBatchSize: 1, contextTokens: 16 });
    expect((await model.generate({ ...long, ...drafts({ assistantModel: tiny }) })).sequences).toEqual(sequences);
    expect(pair.warnings.join()).toContain("The assistant model has no room for a row");
    await tiny.dispose();
    const bounded = await load("gpt2"); // 256 positions
    const end = { inputIds: Array.from({ length: 248 }, (_, index) => 3 + (index % 100)), maxNewTokens: 16, eosTokenId: null };
    const plain = await model.generate(end);
    const { sequences: same, assisted } = await model.generate({ ...end, ...drafts({ assistantModel: bounded }) });
    expect(same).toEqual(plain.sequences);
    expect(assisted!.drafted).toBeGreaterThan(0);
    await bounded.dispose();
  });

  test("a model may draft for itself, also where it has one place", async () => {
    const plain = await model.generate(options);
    expect((await model.generate({ ...options, ...drafts({ assistantModel: model }) })).sequences).toEqual(plain.sequences);
    const one = await load("llama", { maxBatchSize: 1 });
    const { sequences } = await one.generate({ ...options, ...drafts({ assistantModel: one }) });
    expect(sequences).toEqual(plain.sequences);
    await one.dispose();
  });
});

describe("the distribution of drawn tokens", () => {
  // 3 tokens: the second is a draft, the third stands behind it. Seeds are fixed: this passes always, or never.
  test.each(["near", "far"])("is the model's own, with drafts of a model that is %s", async (kind) => {
    const far = kind === "far" ? await load("gpt2") : undefined;
    const sampling = { doSample: true, topK: 3, temperature: 1.5, eosTokenId: null };
    const expected = new Map<string, number>();
    const extend = async (row: number[], share: number): Promise<void> => {
      if (row.length === 3) {
        expected.set(row.join(), share);
        return;
      }
      const inputIds = [...prompt, ...row];
      const { scores } = await model.generate({ ...sampling, inputIds, maxNewTokens: 1, outputScores: true, seed: 0 });
      const weights = Array.from(scores![0]![0]!, Math.exp);
      const sum = weights.reduce((total, weight) => total + weight, 0);
      for (const [token, weight] of weights.entries()) if (weight > 0) await extend([...row, token], (share * weight) / sum);
    };
    await extend([], 1);
    expect(expected.size).toBe(27);
    const counts = new Map<string, number>();
    let accepted = 0;
    let drafted = 0;
    const calls = 40;
    const copies = 64;
    for (let seed = 0; seed < calls; seed++) {
      const options = { ...sampling, inputIds: prompt, maxNewTokens: 3, numReturnSequences: copies, seed };
      const { sequences, assisted } = await model.generate({ ...options, ...drafts(far ? { assistantModel: far } : {}) });
      drafted += assisted!.drafted;
      accepted += assisted!.accepted;
      for (const row of sequences) {
        const key = row.slice(4).join();
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
    }
    expect(drafted).toBe(calls * copies);
    if (far) expect(accepted).toBeLessThan(0.2 * drafted);
    else expect(accepted).toBeGreaterThan(0.9 * drafted);
    expect([...counts.keys()].filter((key) => !expected.has(key))).toEqual([]);
    let chiSquare = 0;
    for (const [key, share] of expected) {
      const mean = share * calls * copies;
      chiSquare += ((counts.get(key) ?? 0) - mean) ** 2 / mean;
    }
    // 26 degrees of freedom: 54.1 is passed once in a thousand times.
    expect(chiSquare).toBeLessThan(54.1);
    await far?.dispose();
  });
});

describe("how many tokens a draft has", () => {
  const options = { inputIds: prompt, maxNewTokens: 24, eosTokenId: null };
  const lengths = async (more: GenerateOptions) => {
    const { assisted } = await model.generate({ ...options, assistantModel: near, ...more });
    return assisted!.drafted;
  };

  test("the call decides, then the assistant's own settings, then 20", async () => {
    const off = { assistantConfidenceThreshold: 0 };
    // 23 tokens behind the first one: the last is never a draft.
    expect(await lengths({ ...off })).toBe(22 - 1);
    near.generationConfig = { numAssistantTokens: 1, assistantConfidenceThreshold: 0 };
    const ones = await lengths({});
    expect(ones).toBeLessThan(14);
    expect(await lengths({ numAssistantTokens: 4 })).toBeGreaterThan(ones);
    // An uncertain model drafts one token at a time.
    expect(await lengths({ numAssistantTokens: 10, assistantConfidenceThreshold: 1 })).toBe(ones);
    expect(await lengths({ numAssistantTokens: 10, assistantConfidenceThreshold: null })).toBeGreaterThan(ones);
  });

  test("null switches the threshold off wherever it stands", async () => {
    const off = await lengths({ numAssistantTokens: 10, assistantConfidenceThreshold: 0 });
    expect(await lengths({ numAssistantTokens: 10 })).toBeLessThan(off);
    const generationConfig = { assistantConfidenceThreshold: null };
    expect(await lengths({ numAssistantTokens: 10, generationConfig })).toBe(off);
    near.generationConfig = { assistantConfidenceThreshold: null };
    expect(await lengths({ numAssistantTokens: 10 })).toBe(off);
  });

  test("what is remembered counts the last draft, and comes only from rows that had one", async () => {
    const twin = await load("llama");
    twin.generationConfig = { numAssistantTokens: 3, assistantConfidenceThreshold: 0, numAssistantTokensSchedule: "heuristic" };
    // One token, 3 + 1 and 2 + 1: two drafts, both right.
    const { assisted } = await model.generate({ ...options, maxNewTokens: 8, assistantModel: twin });
    expect(assisted).toEqual({ drafted: 5, accepted: 5 });
    expect(twin.generationConfig.numAssistantTokens).toBe(7);
    for (const maxNewTokens of [1, 2]) {
      await model.generate({ ...options, maxNewTokens, assistantModel: twin, numAssistantTokens: 4 });
      expect(twin.generationConfig.numAssistantTokens).toBe(7);
    }
    await twin.dispose();
  });

  test("heuristic schedules grow with what is right; one is remembered", async () => {
    near.generationConfig = { numAssistantTokens: 2, assistantConfidenceThreshold: 0 };
    await lengths({ numAssistantTokensSchedule: "heuristic_transient" });
    expect(near.generationConfig.numAssistantTokens).toBe(2);
    await lengths({ numAssistantTokensSchedule: "heuristic" });
    expect(near.generationConfig.numAssistantTokens).toBeGreaterThan(4);
    near.generationConfig = { numAssistantTokens: 2, assistantConfidenceThreshold: 0 };
    const far = await load("gpt2");
    far.generationConfig = { numAssistantTokens: 6, assistantConfidenceThreshold: 0 };
    await lengths({ assistantModel: far, numAssistantTokensSchedule: "heuristic" });
    expect(far.generationConfig.numAssistantTokens).toBe(1);
    await far.dispose();
  });
});

describe("refused by name", () => {
  test.each([
    [{ numBeams: 2, promptLookupNumTokens: 3 }, "conflicting_options", "`promptLookupNumTokens` and `numBeams`"],
    [{ penaltyAlpha: 0.6, topK: 4, promptLookupNumTokens: 3 }, "conflicting_options", "`penaltyAlpha`"],
    [{ guidanceScale: 2, promptLookupNumTokens: 3 }, "conflicting_options", "`guidanceScale`"],
    [{ promptLookupNumTokens: 0 }, "invalid_option", "promptLookupNumTokens"],
    [{ maxMatchingNgramSize: 0 }, "invalid_option", "maxMatchingNgramSize"],
    [{ numAssistantTokens: 1.5 }, "invalid_option", "numAssistantTokens"],
    [{ numAssistantTokensSchedule: "fast" }, "invalid_option", "heuristic_transient"],
    [{ assistantConfidenceThreshold: 2 }, "invalid_option", "assistantConfidenceThreshold"],
    [{ assistantModel: "gpt2" }, "invalid_option", "assistantModel"],
    [{ assistantTokenizer: {} }, "unsupported_option", "assistantTokenizer"],
    [{ assistantEarlyExit: 2 }, "unsupported_option", "assistantEarlyExit"],
    [{ assistantEnsembleWeight: 0.5 }, "unsupported_option", "assistantEnsembleWeight"],
    [{ useMtp: true }, "unsupported_option", "useMtp"],
    [{ isAssistant: true }, "unsupported_option", "isAssistant"],
    [{ targetLookbehind: 4 }, "unsupported_option", "targetLookbehind"],
  ])("%o", async (options, code, what) => {
    const error = await failure(model.generate({ inputIds: prompt, maxNewTokens: 3, ...options } as GenerateOptions));
    expect(error.code).toBe(code);
    expect(error.message).toContain(what);
  });

  test("two sources of drafts, beams with a model, other kinds of models", async () => {
    const options = { inputIds: prompt, maxNewTokens: 3 };
    const both = await failure(model.generate({ ...options, ...drafts(), promptLookupNumTokens: 3 }));
    expect(both.message).toContain("`assistantModel` and `promptLookupNumTokens`");
    const beams = await failure(model.generate({ ...options, ...drafts(), numBeams: 2 }));
    expect(beams.message).toContain("`assistantModel` and `numBeams`");
    const t5 = await AutoModelForSeq2SeqLM.fromPretrained(join(fixtures, "encoder-decoder/t5"), { device: "reference" });
    const kind = await failure(model.generate({ ...options, assistantModel: t5 }));
    expect(kind.message).toContain("a decoder-only model");
    await t5.dispose();
  });

  test("what has no effect is named", async () => {
    await model.generate({ inputIds: prompt, maxNewTokens: 3, numAssistantTokens: 4, maxMatchingNgramSize: 3 });
    expect(pair.warnings.join("\n")).toContain("only with `assistantModel` and are ignored: `numAssistantTokens`");
    expect(pair.warnings.join("\n")).toContain("`maxMatchingNgramSize` has an effect only with `promptLookupNumTokens`");
  });
});
