import type { Limits } from "../backends/backend.ts";
import { holdAsStored, type WeightHolding } from "../backends/weight-holding.ts";
import { blocksHeldAtMost } from "../cache/sequence-table.ts";
import { TsumugiError } from "../errors.ts";
import type { Model, State, Weight } from "../ops/program.ts";
import type { FloatDType } from "../tensor/dtype.ts";

/** Logit rows of one step beyond one for each sequence: for drafts. */
const draftRows = 32;

export interface EngineLimitOptions {
  /** Tokens in one KV block: `backend.blockTokens`. */
  blockTokens: number;
  /** Type that matrices are held in. Blocks of codes stay as the checkpoint has them: see `holdAs`. */
  weights: FloatDType;
  /** What each weight is held as. Default: blocks of codes that kernels work on as they are, all else as `weights` says. */
  holdAs?: (weight: Weight, dtype: FloatDType) => WeightHolding;
  /** Type that values between ops are rounded to. Default: "bfloat16" for bfloat16 weights, as in transformers, else "float32". */
  activation?: Limits["activation"];
  /** Type of the KV cache. Default: "bfloat16" for bfloat16 weights, else "float32". */
  cache?: Limits["cache"];
  /** Sequences at once. Default 8. */
  maxSequences?: number;
  /** Tokens of one step: longer prompts go in chunks. Default 512, or `maxSequences` (or an encoder's context) where that is more. */
  maxTokens?: number;
  /** Tokens of one sequence that must fit. Default: the model's context, capped at 4,096. */
  contextTokens?: number;
  /** Bytes that the KV cache may take. Default: what `maxSequences` sequences of `contextTokens` need. */
  cacheBytes?: number;
  /** Extra program outputs that will be read. Default none. */
  taps?: readonly string[];
}

/** Blocks of one state that a backend can address. */
const maxBlocks = 2 ** 30;

/**
 * Limits with room for `maxSequences` sequences of `contextTokens` each; under `cacheBytes`, every state's blocks shrink
 * in proportion (requests then wait, or are preempted, when blocks run out).
 *
 * @throws `invalid_option` where an option is not a positive integer, or `cacheBytes` holds not one sequence
 * @example
 * ```ts
 * const limits = engineLimits(model, { blockTokens: backend.blockTokens, weights: "bfloat16", maxSequences: 16 });
 * const session = await backend.prepare(model, source, limits);
 * ```
 */
export function engineLimits(model: Model, options: EngineLimitOptions): Limits {
  const { blockTokens, weights, holdAs = holdAsStored, maxSequences = 8, taps = [] } = options;
  const stored = weights === "bfloat16" ? "bfloat16" : "float32";
  const { activation = stored, cache = stored } = options;
  const { contextTokens = Math.min(model.maxPositions, 4096), cacheBytes } = options;
  // An encoder's input goes through in one step.
  const { maxTokens = Math.max(512, maxSequences, model.programs.encode ? contextTokens : 0) } = options;
  for (const [option, given] of Object.entries({ blockTokens, maxSequences, maxTokens, contextTokens, cacheBytes })) {
    if (given !== undefined && !(Number.isInteger(given) && given > 0)) {
      throw new TsumugiError("invalid_option", { option, expected: "a positive integer", given });
    }
  }
  if (maxTokens < maxSequences) {
    const expected = `at least maxSequences (${maxSequences})`;
    throw new TsumugiError("invalid_option", { option: "maxTokens", expected, given: maxTokens });
  }
  const perSequence = model.states.map((state) =>
    // A window lets most blocks go, but those of the chunk being computed come on top.
    state.kind === "slot"
      ? 1
      : blocksHeldAtMost({ blockTokens, window: state.window }, contextTokens, Math.min(maxTokens, contextTokens)),
  );
  let sequences = maxSequences;
  if (cacheBytes !== undefined) {
    let bytes = 0;
    model.states.forEach((state, index) => {
      bytes += (perSequence[index] as number) * blockBytes(state, state.kind === "slot" ? 1 : blockTokens, cache);
    });
    sequences = Math.min(maxSequences, cacheBytes / bytes);
    if (sequences < 1) {
      const expected = `at least ${bytes}, for one sequence of ${contextTokens} tokens`;
      throw new TsumugiError("invalid_option", { option: "cacheBytes", expected, given: cacheBytes });
    }
  }
  const most = Math.max(0, ...perSequence);
  if (Math.floor(most * sequences) > maxBlocks) {
    const room = Math.floor(maxBlocks / sequences) * blockTokens;
    const isContext = options.contextTokens !== undefined && room > 0;
    const [option, given] = isContext ? ["contextTokens", contextTokens] : ["maxSequences", maxSequences];
    const limit = isContext ? room : Math.floor(maxBlocks / most);
    const fit = isContext ? `${Math.floor(sequences)} sequences at once` : `${contextTokens} tokens of each`;
    const expected = `at most ${limit}, with ${fit}: a cache has no more than ${maxBlocks} blocks`;
    throw new TsumugiError("invalid_option", { option, expected, given });
  }
  return {
    maxTokens,
    maxSequences,
    maxLogitRows: maxSequences + draftRows,
    blocks: Object.fromEntries(
      model.states.map(({ name }, index) => [name, Math.floor((perSequence[index] as number) * sequences)]),
    ),
    weights: model.weights.map((weight) => holdAs(weight, weights)),
    activation,
    cache,
    taps,
  };
}

function blockBytes(state: State, blockTokens: number, cache: Limits["cache"]): number {
  let bytes = 0;
  for (const part of state.parts) {
    const values = part.shape.reduce((product, length) => product * length, 1);
    const heads = values / part.shape.at(-1)!;
    const perToken =
      part.type !== "cache" ? 4 * values : { float32: 4 * values, bfloat16: 2 * values, int8: values + 4 * heads }[cache];
    bytes += blockTokens * perToken;
  }
  return bytes;
}
