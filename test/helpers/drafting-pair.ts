import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect } from "vitest";
import { TsumugiError } from "../../src/errors.ts";
import { AutoModelForCausalLM } from "../../src/generate/auto-model.ts";
import { AutoTokenizer } from "../../src/generate/auto-tokenizer.ts";
import type { CausalLM } from "../../src/generate/causal-lm.ts";
import type { GenerateOptions } from "../../src/generate/generate-options.ts";
import type { Tokenizer } from "../../src/tokenizer/index.ts";
import { setWarningHandler } from "../../src/util/warnings.ts";

const fixtures = join(import.meta.dirname, "../fixtures");

/** A model and one that drafts for it. */
export interface DraftingPair {
  /** A random checkpoint of 128 tokens. */
  model: CausalLM;
  /** The same model, rounded: it guesses well. */
  near: CausalLM;
  /** Decodes the ids of both. */
  tokenizer: Tokenizer;
  /** What was warned of in this test. */
  warnings: string[];
}

/** A checkpoint of the fixtures on the reference device. */
export const loadFixture = (name: string, options: object = {}) =>
  AutoModelForCausalLM.fromPretrained(join(fixtures, "models", name), { device: "reference", maxBatchSize: 8, ...options });

/** Loads a pair for the tests of a file; behind each test neither model may hold anything. */
export function useDraftingPair(): DraftingPair {
  const pair = { warnings: [] } as unknown as DraftingPair;
  beforeAll(async () => {
    [pair.model, pair.near] = await Promise.all([loadFixture("llama"), loadFixture("llama", { dtype: "bfloat16" })]);
    pair.tokenizer = await AutoTokenizer.fromPretrained(join(fixtures, "tokenizers/byte-level"));
  });
  afterAll(() => Promise.all([pair.model.dispose(), pair.near.dispose()]));
  beforeEach(() => {
    pair.warnings = [];
    setWarningHandler((message) => pair.warnings.push(message));
  });
  afterEach(() => {
    setWarningHandler();
    pair.near.generationConfig = {};
    for (const { blocks, running, waiting, parked } of [pair.model.statistics(), pair.near.statistics()]) {
      expect({ running, waiting, parked }).toEqual({ running: 0, waiting: 0, parked: 0 });
      for (const { used } of Object.values(blocks)) expect(used).toBe(0);
    }
  });
  return pair;
}

/** Options of a call that the second model of a pair drafts for. */
export const draftsOf = (pair: DraftingPair, more: GenerateOptions = {}): GenerateOptions => ({
  assistantModel: pair.near,
  assistantConfidenceThreshold: 0,
  numAssistantTokens: 5,
  ...more,
});

/** The error that a call rejects with. */
export async function failureOf(promise: Promise<unknown>): Promise<TsumugiError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!TsumugiError.isInstance(error)) throw error ?? new Error("nothing was thrown");
  return error;
}
