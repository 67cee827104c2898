import type { StateReference } from "../ops/program.ts";
import type { ProgramBuilder, Value } from "./builder.ts";
import { type RelativeBias, relativeBias } from "./relative-bias.ts";
import { type Rope, rotate } from "./rope.ts";

export interface AttentionOptions {
  module: string;
  /** Query heads. */
  heads: number;
  /** Key/value heads; each serves heads / keyValueHeads query heads. */
  keyValueHeads: number;
  headDim: number;
  /** Default: headDim. */
  valueHeadDim?: number;
  /** Factor of the scores. Default: 1 / √headDim. */
  scale?: number;
  /** Turns queries and keys; absent: no rotary positions. */
  rope?: Rope | undefined;
  /** Sliding window in tokens, the token itself included; absent: all. */
  window?: number | undefined;
  /** A token attends only to its own chunk of this many tokens (not with a window); absent: to all. */
  chunk?: number | undefined;
  /** tanh cap of the scores. */
  softcap?: number | undefined;
  /** ALiBi: a score falls by slopes[head] for each token of distance. */
  slopes?: readonly number[] | undefined;
  /** ALiBi rises with the position of the key instead, in bfloat16 and before the scale (Falcon). */
  roundedSlopes?: boolean;
  /** Learned shifts of the scores by distance (T5). */
  bias?: RelativeBias | undefined;
  /** One more score for each head, without a value: the tensor that holds them, [heads]. */
  sinks?: string | undefined;
  /** Scores are not rounded to bfloat16 when activations are (GPT-J). Default false. */
  unroundedScores?: boolean;
  /** `scale` multiplies the query, which is rounded to bfloat16 when activations are (OPT). Default false. */
  scaleQuery?: boolean;
  /** Product, scale and slopes are one operation, rounded once when activations are bfloat16 (BLOOM). Default false. */
  fusedScores?: boolean;
}

/**
 * Causal self-attention with the layer's cache: query [tokens, heads * headDim], key [tokens, keyValueHeads * headDim],
 * value [tokens, keyValueHeads * valueHeadDim] -> [tokens, heads * valueHeadDim]. A layer with chunks keeps its cache in a
 * window of the chunk's size, because no token attends to one that is a whole chunk back.
 */
export function attention(program: ProgramBuilder, query: Value, key: Value, value: Value, options: AttentionOptions): Value {
  const { module, heads, keyValueHeads, headDim, valueHeadDim = headDim, rope, chunk, window = chunk } = options;
  if (rope) {
    query = rotate(program, query, { module, heads, headDim, rope });
    key = rotate(program, key, { module, heads: keyValueHeads, headDim, rope });
  }
  const state = program.cache(module, window, [keyValueHeads, headDim], [keyValueHeads, valueHeadDim]);
  program.emit("store", { module, inputs: [key, value], state });
  return attend(program, query, state, options);
}

/**
 * Attention of a layer without keys and values of its own: it reads those that an earlier layer has stored (Gemma 3n, Gemma
 * 4). `of` is that layer's attention module, which has the same window and sizes.
 */
export function sharedAttention(program: ProgramBuilder, query: Value, of: string, options: AttentionOptions): Value {
  const { module, heads, keyValueHeads, headDim, valueHeadDim = headDim, rope, chunk, window = chunk } = options;
  if (rope) query = rotate(program, query, { module, heads, headDim, rope });
  const state = program.cache(of, window, [keyValueHeads, headDim], [keyValueHeads, valueHeadDim]);
  return attend(program, query, state, options);
}

/** Attention of queries, already turned, to what a layer's cache holds. */
function attend(program: ProgramBuilder, query: Value, state: StateReference, options: AttentionOptions): Value {
  const { module, heads, keyValueHeads, headDim, valueHeadDim = headDim, window, chunk, softcap, slopes } = options;
  const { scale = 1 / Math.sqrt(headDim) } = options;
  const sinks = options.sinks && program.weight({ name: options.sinks, shape: [heads], use: "vector" });
  const bias = options.bias && relativeBias(program, options.bias, heads, true);
  const weights = bias ? [sinks || undefined, bias.weight] : options.sinks ? [sinks || undefined] : undefined;
  const attributes = {
    heads,
    keyValueHeads,
    headDim,
    valueHeadDim,
    scale,
    window,
    chunk,
    softcap,
    slopes,
    roundedSlopes: options.roundedSlopes,
    buckets: bias?.buckets,
    unroundedScores: options.unroundedScores,
    scaleQuery: options.scaleQuery,
    fusedScores: options.fusedScores,
  };
  return program.value("attend", { module, inputs: [query], ...(weights && { weights }), state, attributes });
}
