import type { RowRun } from "../ops/program.ts";
import type { ProgramBuilder, Value } from "./builder.ts";
import { scaleByPosition } from "./elementwise.ts";
import { rowsOf } from "./fused.ts";
import { type LinearOptions, linear } from "./linear.ts";
import { rmsNorm } from "./norm.ts";
import { type Rope, rotate } from "./rope.ts";

export interface LatentAttentionOptions {
  module: string;
  heads: number;
  /** Width of the latent that keys and values are made of (kv_lora_rank). */
  latent: number;
  /** How many values of a query's and a key's head do not turn, and how many do. */
  plainDim: number;
  rotaryDim: number;
  valueHeadDim: number;
  /** Width between the two halves of the query's projection (q_lora_rank); absent: one projection. */
  queryRank?: number | undefined;
  /** Whether the projections from the hidden state and to it have biases. */
  bias: boolean;
  /** Epsilon of the norms of the latents. */
  epsilon: number;
  scale: number;
  rope: Rope;
  /** How queries grow with the context; absent: they do not. */
  growth?: { length: number; strength: number; roundFactor?: boolean };
}

/**
 * Multi-head latent attention: [tokens, hidden] -> [tokens, hidden]. The cache holds, for all heads together, a token's
 * latent and its rotary key; the up-projections of keys and values are absorbed into queries and outputs:
 * q · (K c) = (Kᵀ q) · c, and Σ p (V c) = V (Σ p c).
 *
 * Source: DeepSeek-AI 2024, "DeepSeek-V2".
 */
export function latentAttention(program: ProgramBuilder, x: Value, options: LatentAttentionOptions): Value {
  const { module, heads, latent, plainDim, rotaryDim, valueHeadDim, queryRank, bias, epsilon, scale, rope, growth } = options;
  const hidden = Number(x.shape.at(-1));

  let asked = x;
  if (queryRank !== undefined) {
    asked = linear(program, x, { module: `${module}.q_a_proj`, width: queryRank, bias }); // [tokens, queryRank]
    asked = rmsNorm(program, asked, { module: `${module}.q_a_layernorm`, epsilon });
  }
  const projection = `${module}.${queryRank === undefined ? "q_proj" : "q_b_proj"}`;
  const headDim = plainDim + rotaryDim;
  const each = <T>(make: (head: number) => T) => Array.from({ length: heads }, (_, head) => make(head));
  const plainRuns = each((head) => [head * headDim, head * headDim + plainDim] as const);
  const rotaryRuns = each((head) => [head * headDim + plainDim, (head + 1) * headDim] as const);
  const plain = linear(program, asked, unbiased(rowsOf(projection, "plain", plainRuns))); // [tokens, heads * plainDim]
  const turning = linear(program, asked, unbiased(rowsOf(projection, "rotary", rotaryRuns))); // [tokens, heads * rotaryDim]

  const compressed = `${module}.kv_a_proj_with_mqa`;
  const given = linear(program, x, { ...rowsOf(compressed, "latent", [[0, latent]]), bias }); // [tokens, latent]
  const content = rmsNorm(program, given, { module: `${module}.kv_a_layernorm`, epsilon });
  const rotaryKey = linear(program, x, { ...rowsOf(compressed, "rotary", [[latent, latent + rotaryDim]]), bias }); // [tokens, rotaryDim]

  // kv_b_proj holds for each head its keys' rows, then its values'
  const ofHeads = (x: Value, name: "key" | "value", from: number, count: number) => {
    const rows = each((head): RowRun => {
      const start = head * (plainDim + valueHeadDim) + from;
      return [start, start + count];
    });
    const expanded = `${module}.kv_b_proj`;
    const transpose = name === "key"; // K c of q · (K c) is absorbed into the query, which is multiplied by Kᵀ
    const weight = program.weight({
      name: `${expanded}.${name}.weight`,
      shape: transpose ? [heads, latent, count] : [heads, count, latent],
      from: rows.map(([start, end]) => ({
        tensor: `${expanded}.weight`,
        slice: { axis: 0, start, end },
        ...(transpose && { transpose }),
      })),
      join: "stack",
      use: "matmul",
    });
    return program.value("head_linear", { module: expanded, part: { name, rows }, inputs: [x], weights: [weight] });
  };

  const join = (a: Value, b: Value, count: number) =>
    program.value("join_heads", { module, inputs: [a, b], attributes: { heads: count } });
  const absorbed = ofHeads(plain, "key", 0, plainDim); // [tokens, heads * latent]
  const plainQuery = join(absorbed, rotate(program, turning, { module, heads, headDim: rotaryDim, rope }), heads); // [tokens, heads * (latent + rotaryDim)]
  const query = growth ? scaleByPosition(program, plainQuery, { module, ...growth }) : plainQuery;
  const key = join(content, rotate(program, rotaryKey, { module, heads: 1, headDim: rotaryDim, rope }), 1); // [tokens, latent + rotaryDim]

  const state = program.cache(module, undefined, [1, latent + rotaryDim], [1, latent]);
  program.emit("store", { module, inputs: [key, content], state });
  const attributes = { heads, keyValueHeads: 1, headDim: latent + rotaryDim, valueHeadDim: latent, scale };
  const mixed = program.value("attend", { module, inputs: [query], state, attributes }); // [tokens, heads * latent]
  const values = ofHeads(mixed, "value", plainDim, valueHeadDim); // [tokens, heads * valueHeadDim]
  return linear(program, values, { module: `${module}.o_proj`, width: hidden, bias });
}

function unbiased(options: LinearOptions): LinearOptions {
  return { ...options, bias: false };
}
