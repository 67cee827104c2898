import type { ProgramBuilder, Value } from "./builder.ts";
import { add, scale } from "./elementwise.ts";
import { linear } from "./linear.ts";
import { rmsNorm } from "./norm.ts";

export interface StreamsOptions {
  /** The checkpoint's module path of one layer's AltUp. */
  module: string;
  /** The stream that the layer works on. */
  active: number;
  epsilon: number;
}

/**
 * Alternating updates: several streams of [tokens, hidden] go from layer to layer, and each layer works on one. Before it,
 * `predictStreams` adds to every stream a learned mixture of all; after it, `correctStreams` moves every stream by what the
 * layer changed in its own. Source: Baykal et al. 2023, "Alternating Updates for Efficient Transformers"; transformers'
 * `Gemma3nTextAltUp`.
 */
export function predictStreams(program: ProgramBuilder, streams: readonly Value[], options: StreamsOptions): Value[] {
  const { module, active } = options;
  const count = streams.length;
  const parts = routed(program, streams[active]!, count, options); // [tokens, count]
  const weights = linear(program, parts, { module: `${module}.prediction_coefs`, width: count ** 2 }); // [tokens, count * count]
  return streams.map((stream, i) => {
    const attributes = { first: i * count };
    return add(program, program.value("weighted_sum", { module, inputs: [weights, ...streams], attributes }), stream, module);
  });
}

/** See `predictStreams`; `activated` [tokens, hidden] is what the layer made of the predicted stream that it works on. */
export function correctStreams(
  program: ProgramBuilder,
  predicted: readonly Value[],
  activated: Value,
  options: StreamsOptions,
): Value[] {
  const { module, active } = options;
  const count = predicted.length;
  const parts = routed(program, activated, count, options); // [tokens, count]
  const weights = linear(program, parts, { module: `${module}.correction_coefs`, width: count }); // [tokens, count]
  const change = add(program, activated, scale(program, predicted[active]!, -1, module), module); // [tokens, hidden]
  return predicted.map((stream, i) => {
    const attributes = { first: i, offset: 1 };
    return add(program, program.value("weighted_sum", { module, inputs: [weights, change], attributes }), stream, module);
  });
}

/** tanh of the router's numbers: [tokens, hidden] -> [tokens, count]. */
function routed(program: ProgramBuilder, x: Value, count: number, { module, epsilon }: StreamsOptions): Value {
  const normed = rmsNorm(program, x, { module: `${module}.router_norm`, epsilon, roundOnce: true });
  const small = scale(program, normed, 1 / Number(x.shape.at(-1)), module);
  const router = linear(program, small, { module: `${module}.modality_router`, width: count });
  return program.value("activation", { module, inputs: [router], attributes: { kind: "tanh" } });
}

/** x · weight [hidden, hidden]ᵀ, then made as large as `like`: [tokens, hidden] -> the same. */
export function streamProjection(program: ProgramBuilder, x: Value, like: Value, module: string): Value {
  const projected = linear(program, x, { module, width: Number(x.shape.at(-1)) });
  return program.value("match_magnitude", { module, inputs: [projected, like], attributes: { epsilon: 1e-5 } });
}
