import { type AttentionOptions, attention, sharedAttention } from "./attention.ts";
import type { ProgramBuilder, Value } from "./builder.ts";
import { linear } from "./linear.ts";
import { rmsNorm } from "./norm.ts";

export interface NormedAttentionOptions extends Omit<AttentionOptions, "bias"> {
  /** Whether the projections have biases. */
  bias: boolean;
  /** Epsilon of the norms. */
  epsilon: number;
  /** The attention module of an earlier layer, whose keys and values this one reads; absent: it has its own. */
  source?: string | undefined;
  /** The keys, as they are before their norm, are also the values. Default false. */
  keysAreValues?: boolean;
}

/**
 * Causal attention with a norm on every head of queries, keys and values, the values' without a weight (Gemma 3n, Gemma 4):
 * [tokens, hidden] -> [tokens, hidden]. Source: transformers' `Gemma3nTextAttention`, `Gemma4TextAttention`.
 */
export function normedAttention(program: ProgramBuilder, x: Value, options: NormedAttentionOptions): Value {
  const { bias, epsilon, source, keysAreValues = false, ...shape } = options;
  const { module, heads, keyValueHeads, headDim } = shape;
  const project = (name: string, count: number) =>
    linear(program, x, { module: `${module}.${name}`, width: count * headDim, bias });
  const ofHeads = { epsilon, groupSize: headDim };
  const norm = (value: Value, name: string) =>
    rmsNorm(program, value, { module: `${module}.${name}`, ...ofHeads, roundOnce: true });

  const query = norm(project("q_proj", heads), "q_norm"); // [tokens, heads * headDim]
  let mixed: Value; // [tokens, heads * headDim]
  if (source !== undefined) {
    mixed = sharedAttention(program, query, source, shape);
  } else {
    const key = project("k_proj", keyValueHeads); // [tokens, keyValueHeads * headDim]
    const value = keysAreValues ? key : project("v_proj", keyValueHeads);
    const normed = rmsNorm(program, value, { module: `${module}.v_norm`, ...ofHeads, affine: false });
    mixed = attention(program, query, norm(key, "k_norm"), normed, shape);
  }
  return linear(program, mixed, { module: `${module}.o_proj`, width: Number(x.shape.at(-1)), bias });
}
