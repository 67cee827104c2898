import type { ActivationKind } from "../ops/activation-kinds.ts";
import type { ProgramBuilder, Value } from "./builder.ts";
import { add, columns, scale } from "./elementwise.ts";
import { embedding } from "./embedding.ts";
import { linear } from "./linear.ts";
import { rmsNorm } from "./norm.ts";

export interface PerLayerInputOptions {
  layers: number;
  /** Width of one layer's input. */
  width: number;
  /** Rows of the table. */
  vocabulary: number;
  /** Row of tokens that the table does not have. */
  otherwise?: number;
  epsilon: number;
}

/**
 * Small inputs of all layers side by side: what a table of its own holds for the token, and a projection of its embedding
 * x [tokens, hidden], summed -> [tokens, layers * width]. Source: transformers' `Gemma4TextModel`.
 */
export function perLayerInputs(program: ProgramBuilder, x: Value, options: PerLayerInputOptions): Value {
  const { layers, width, vocabulary, otherwise, epsilon } = options;
  const module = "model.per_layer_model_projection";
  const own = embedding(program, {
    module: "model.embed_tokens_per_layer",
    vocabulary,
    width: layers * width,
    scale: Math.sqrt(width),
    roundScale: true,
    ...(otherwise !== undefined && { otherwise }),
  });
  const projected = linear(program, x, { module, width: layers * width });
  const small = scale(program, projected, Number(x.shape.at(-1)) ** -0.5, module);
  const normed = rmsNorm(program, small, {
    module: "model.per_layer_projection_norm",
    epsilon,
    groupSize: width,
    roundOnce: true,
  });
  return scale(program, add(program, normed, own, module), 2 ** -0.5, module);
}

/**
 * A gate of x [tokens, hidden], times one layer's part of `inputs`, projected to [tokens, hidden] and normed. `at` is the
 * layer's module.
 */
export function perLayerGate(
  program: ProgramBuilder,
  x: Value,
  inputs: Value,
  options: { at: string; layer: number; width: number; kind: ActivationKind; epsilon: number },
): Value {
  const { at, layer, width, kind, epsilon } = options;
  const gate = linear(program, x, { module: `${at}.per_layer_input_gate`, width }); // [tokens, width]
  const own = columns(program, inputs, layer * width, width, at);
  const open = program.value("gated_activation", { module: at, inputs: [gate, own], attributes: { kind } });
  const back = linear(program, open, { module: `${at}.per_layer_projection`, width: Number(x.shape.at(-1)) }); // [tokens, hidden]
  return rmsNorm(program, back, { module: `${at}.post_per_layer_input_norm`, epsilon, roundOnce: true });
}
