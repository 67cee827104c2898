import type { ProgramBuilder, Value } from "./builder.ts";

export interface RmsNormOptions {
  module: string;
  epsilon: number;
  /** Normalise groups of this many values with one weight (per-head norm: headDim). Default: the whole row. */
  groupSize?: number;
  /** The weight counts from 1 (Gemma). */
  unitOffset?: boolean;
}

/** Root-mean-square norm; the shape stays. */
export function rmsNorm(program: ProgramBuilder, x: Value, options: RmsNormOptions): Value {
  const { module, epsilon, groupSize, unitOffset = false } = options;
  const size = groupSize ?? Number(x.shape.at(-1));
  const weight = program.weight({ name: `${module}.weight`, shape: [size], use: "vector" });
  return program.value("rms_norm", { module, inputs: [x], weights: [weight], attributes: { epsilon, unitOffset, groupSize } });
}

/** Layer norm with weight, and with bias unless `bias` is false; the shape stays. */
export function layerNorm(
  program: ProgramBuilder,
  x: Value,
  options: { module: string; epsilon: number; bias?: boolean },
): Value {
  const { module, epsilon, bias = true } = options;
  const size = Number(x.shape.at(-1));
  const weight = program.weight({ name: `${module}.weight`, shape: [size], use: "vector" });
  const shift = bias ? program.weight({ name: `${module}.bias`, shape: [size], use: "vector" }) : undefined;
  return program.value("layer_norm", { module, inputs: [x], weights: [weight, shift], attributes: { epsilon } });
}
