import type { ProgramBuilder, Value } from "./builder.ts";
import { linear } from "./linear.ts";
import { type RelativeBias, relativeBias } from "./relative-bias.ts";

export interface EncoderAttentionOptions {
  module: string;
  heads: number;
  headDim: number;
  /** Factor of the scores. Default: 1 / √headDim. */
  scale?: number;
  /** Learned shifts of the scores by distance (T5). */
  bias?: RelativeBias | undefined;
}

/**
 * Attention of every token of an encoder to all tokens of its input: three of [tokens, heads * headDim] -> the same.
 * The layer keeps its keys and values in a part of the cross state that all layers of the encoder use in turn.
 */
export function encoderAttention(
  program: ProgramBuilder,
  query: Value,
  key: Value,
  value: Value,
  options: EncoderAttentionOptions,
): Value {
  const { module, heads, headDim, scale = 1 / Math.sqrt(headDim) } = options;
  const state = program.cross("encoder", [heads, headDim], [heads, headDim], "float32");
  program.emit("store", { module, inputs: [key, value], state });
  const bias = options.bias && relativeBias(program, options.bias, heads, false);
  const sizes = { heads, keyValueHeads: heads, headDim, valueHeadDim: headDim, scale };
  const attributes = { ...sizes, causal: false, buckets: bias?.buckets };
  return program.value("attend", {
    module,
    inputs: [query],
    ...(bias && { weights: [undefined, bias.weight] }),
    state,
    attributes,
  });
}

export interface CrossAttentionOptions {
  /** The decoder layer's module. */
  module: string;
  heads: number;
  headDim: number;
  /** Factor of the scores. Default: 1 / √headDim. */
  scale?: number;
}

/** Attention of the decoder's tokens to the encoder's output: query [tokens, heads * headDim] -> the same. */
export function crossAttention(program: ProgramBuilder, query: Value, options: CrossAttentionOptions): Value {
  const { module, heads, headDim, scale = 1 / Math.sqrt(headDim) } = options;
  const state = program.cross(module, [heads, headDim], [heads, headDim]);
  const attributes = { heads, keyValueHeads: heads, headDim, valueHeadDim: headDim, scale, causal: false };
  return program.value("attend", { module, inputs: [query], state, attributes });
}

/**
 * The end of an encoder: what `crossAttention` of each decoder layer reads, made of hidden [tokens, width]. `names` are
 * the layer's projections of keys and values.
 */
export function storeCross(
  program: ProgramBuilder,
  hidden: Value,
  options: CrossAttentionOptions & { names: readonly [key: string, value: string]; bias?: boolean },
): void {
  const { module, heads, headDim, names, bias = false } = options;
  const inputs = names.map((name) => linear(program, hidden, { module: `${module}.${name}`, width: heads * headDim, bias }));
  program.emit("store", { module, inputs, state: program.cross(module, [heads, headDim], [heads, headDim]) });
}
