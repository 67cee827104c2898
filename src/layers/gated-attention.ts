import { attention } from "./attention.ts";
import type { ProgramBuilder, Value } from "./builder.ts";
import { rowsOf } from "./fused.ts";
import { linear } from "./linear.ts";
import { rmsNorm } from "./norm.ts";
import type { Rope } from "./rope.ts";

export interface GatedAttentionOptions {
  /** The checkpoint's module path. */
  module: string;
  heads: number;
  keyValueHeads: number;
  headDim: number;
  rope: Rope;
  /** Whether the projections have biases. */
  bias: boolean;
  /** Epsilon of the norms of queries and keys. */
  epsilon: number;
}

/**
 * Causal attention whose output is let through by sigmoid(gate) (Qwen3-Next): [tokens, hidden] -> [tokens, hidden]. q_proj
 * holds for each head its query and its gate in turn; queries and keys have norms that count from 1.
 */
export function gatedAttention(program: ProgramBuilder, x: Value, options: GatedAttentionOptions): Value {
  const { module, heads, keyValueHeads, headDim, rope, bias, epsilon } = options;
  const half = (name: string, first: number) => {
    const runs = Array.from({ length: heads }, (_, head) => {
      const start = (2 * head + first) * headDim;
      return [start, start + headDim] as const;
    });
    return linear(program, x, { ...rowsOf(`${module}.q_proj`, name, runs), bias }); // [tokens, heads * headDim]
  };
  const normal = (value: Value, name: string) =>
    rmsNorm(program, value, { module: `${module}.${name}`, epsilon, groupSize: headDim, unitOffset: true });
  const width = keyValueHeads * headDim;
  const query = normal(half("query", 0), "q_norm");
  const key = normal(linear(program, x, { module: `${module}.k_proj`, width, bias }), "k_norm"); // [tokens, keyValueHeads * headDim]
  const value = linear(program, x, { module: `${module}.v_proj`, width, bias });
  const mixed = attention(program, query, key, value, { module, heads, keyValueHeads, headDim, rope });
  const inputs = [half("gate", 1), mixed];
  const open = program.value("gated_activation", { module, inputs, attributes: { kind: "sigmoid" } });
  return linear(program, open, { module: `${module}.o_proj`, width: Number(x.shape.at(-1)), bias });
}
