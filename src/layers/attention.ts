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
  /** Of the scores. Default: 1 / √headDim. */
  scale?: number;
  /** Turns queries and keys; absent: no rotary positions. */
  rope?: Rope | undefined;
  /** Sliding window in tokens, the token itself included; absent: all. */
  window?: number | undefined;
  /** tanh cap of the scores. */
  softcap?: number | undefined;
  /** ALiBi: a score falls by slopes[head] for each token of distance. */
  slopes?: readonly number[] | undefined;
  /** Learned shifts of the scores by distance (T5). */
  bias?: RelativeBias | undefined;
  /** One more score for each head, without a value: the tensor that holds them, [heads]. */
  sinks?: string | undefined;
}

/**
 * Causal self-attention with the layer's cache: query [tokens, heads * headDim], key [tokens, keyValueHeads * headDim],
 * value [tokens, keyValueHeads * valueHeadDim] -> [tokens, heads * valueHeadDim].
 */
export function attention(program: ProgramBuilder, query: Value, key: Value, value: Value, options: AttentionOptions): Value {
  const { module, heads, keyValueHeads, headDim, valueHeadDim = headDim, rope, window, softcap, slopes } = options;
  const { scale = 1 / Math.sqrt(headDim) } = options;
  if (rope) {
    query = rotate(program, query, { module, heads, headDim, rope });
    key = rotate(program, key, { module, heads: keyValueHeads, headDim, rope });
  }
  const state = program.cache(module, window, [keyValueHeads, headDim], [keyValueHeads, valueHeadDim]);
  program.emit("store", { module, inputs: [key, value], state });
  const sinks = options.sinks && program.weight({ name: options.sinks, shape: [heads], use: "vector" });
  const bias = options.bias && relativeBias(program, options.bias, heads, true);
  const weights = bias ? [sinks || undefined, bias.weight] : options.sinks ? [sinks || undefined] : undefined;
  const attributes = { heads, keyValueHeads, headDim, valueHeadDim, scale, window, softcap, slopes, buckets: bias?.buckets };
  return program.value("attend", { module, inputs: [query], ...(weights && { weights }), state, attributes });
}
