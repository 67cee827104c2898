import type { ProgramBuilder, Value } from "./builder.ts";

/** a + b. `module` is the module that adds; `type` "float32" keeps the sum from being rounded (Mamba). */
export function add(
  program: ProgramBuilder,
  a: Value,
  b: Value,
  module: string,
  type: "activation" | "float32" = "activation",
): Value {
  return program.value("add", { module, inputs: [a, b], types: [type] });
}

/** x · factor. */
export function scale(program: ProgramBuilder, x: Value, factor: number, module: string): Value {
  return program.value("scale", { module, inputs: [x], attributes: { factor } });
}

/** x · what the checkpoint holds as `tensor`: one number (`size` 1), or one for each value of a row (`size` their number). */
export function learnedScale(program: ProgramBuilder, x: Value, tensor: string, size: number, module: string): Value {
  const weight = program.weight({ name: tensor, shape: [size], use: "vector" });
  return program.value("scale", { module, inputs: [x], weights: [weight] });
}

/** `count` columns of x [tokens, width] from column `first` on -> [tokens, count]. */
export function columns(program: ProgramBuilder, x: Value, first: number, count: number, module: string): Value {
  return program.value("columns", { module, inputs: [x], attributes: { first, count } });
}

/** tanh(x / cap) · cap: values stay within ±cap (Gemma 2's logits). */
export function softcap(program: ProgramBuilder, x: Value, cap: number, module: string): Value {
  const small = scale(program, x, 1 / cap, module);
  const bent = program.value("activation", { module, inputs: [small], attributes: { kind: "tanh" } });
  return scale(program, bent, cap, module);
}

/** x, held between `least` and `greatest`. */
export function clamp(program: ProgramBuilder, x: Value, least: number, greatest: number, module: string): Value {
  return program.value("clamp", { module, inputs: [x], attributes: { least, greatest } });
}

export interface PositionScaleOptions {
  module: string;
  /** Tokens of context in which the factor stays the same. */
  length: number;
  /** How much the factor grows with the logarithm of the lengths that came before. */
  strength: number;
  /** Added to the position. Default 0. */
  offset?: number;
  /** Pads in front of the sequence count as positions, as transformers counts them. Default false. */
  countsPadding?: boolean;
  /** The factor is rounded to bfloat16 when activations are (Ministral 3). Default false. */
  roundFactor?: boolean;
}

/** x [tokens, width] · (1 + strength · ln(1 + floor((position + offset) / length))): attention's temperature. */
export function scaleByPosition(program: ProgramBuilder, x: Value, options: PositionScaleOptions): Value {
  const { module, ...attributes } = options;
  return program.value("scale_by_position", { module, inputs: [x], attributes });
}
