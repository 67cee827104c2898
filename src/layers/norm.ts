import type { WeightOrigin } from "../ops/program.ts";
import type { ProgramBuilder, Value } from "./builder.ts";

export interface RmsNormOptions {
  module: string;
  epsilon: number;
  /** Normalise groups of this many values with one weight (per-head norm: headDim). Default: the whole row. */
  groupSize?: number;
  /** The weight counts from 1 (Gemma). */
  unitOffset?: boolean;
  /** False: no weight. Default true. */
  affine?: boolean;
  /** The tensor of the weight, when it is not `<module>.weight`. */
  weight?: string;
  /** bfloat16 activations are rounded after the product with the weight, not before it as well (OLMo 2). Default false. */
  roundOnce?: boolean;
  /** A float32 x is rounded to bfloat16 first when activations are (Mamba). Default false. */
  roundInput?: boolean;
}

/** Root-mean-square norm; the shape stays. */
export function rmsNorm(program: ProgramBuilder, x: Value, options: RmsNormOptions): Value {
  const { module, epsilon, groupSize, unitOffset = false, affine = true, weight: name = `${module}.weight` } = options;
  const size = groupSize ?? Number(x.shape.at(-1));
  const weight = affine ? program.weight({ name, shape: [size], use: "vector" }) : undefined;
  const attributes = { epsilon, unitOffset, groupSize, roundOnce: options.roundOnce, roundInput: options.roundInput };
  return program.value("rms_norm", { module, inputs: [x], weights: [weight], attributes });
}

export interface LayerNormOptions {
  module: string;
  epsilon: number;
  /** Default true. */
  bias?: boolean;
  /** The weight counts from 1 (Nemotron). */
  unitOffset?: boolean;
  /** False: neither weight nor bias. Default true. */
  affine?: boolean;
  /** Normalise groups of this many values (per-head norm: headDim). Default: the whole row. */
  groupSize?: number;
  /** Every group has a weight of its own, [groups, groupSize], instead of one for all. */
  ownWeights?: boolean;
  /** Where the weight comes from, when not `<module>.weight`; several are stacked, one for each group. */
  weightFrom?: readonly WeightOrigin[];
}

/** Layer norm; the shape stays. */
export function layerNorm(program: ProgramBuilder, x: Value, options: LayerNormOptions): Value {
  const {
    module,
    epsilon,
    affine = true,
    bias = affine,
    unitOffset,
    groupSize,
    ownWeights = false,
    weightFrom: from,
  } = options;
  const width = Number(x.shape.at(-1));
  const size = groupSize ?? width;
  const shape = ownWeights ? [width / size, size] : [size];
  const stacked = from && { from, join: "stack" as const };
  const weight = affine ? program.weight({ name: `${module}.weight`, shape, use: "vector", ...stacked }) : undefined;
  const shift = bias ? program.weight({ name: `${module}.bias`, shape, use: "vector" }) : undefined;
  return program.value("layer_norm", {
    module,
    inputs: [x],
    weights: [weight, shift],
    attributes: { epsilon, groupSize, unitOffset },
  });
}
