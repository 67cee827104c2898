import type { WeightOrigin } from "../ops/program.ts";
import type { ProgramBuilder, Value } from "./builder.ts";

export interface LinearOptions {
  /** The checkpoint's module path. */
  module: string;
  /** Width of the result. */
  width: number;
  bias?: boolean;
  /** bfloat16 activations are rounded before the bias is added as well (Falcon). Default false. */
  roundProduct?: boolean;
  /** Where the weight comes from, when not `<module>.weight`: a slice of a fused tensor, a transposed one. */
  weightFrom?: readonly WeightOrigin[];
  biasFrom?: readonly WeightOrigin[];
  /** Another module's weight is used: a tied head. */
  tiedTo?: string;
}

/** x · weightᵀ (+ bias): [rows, in] -> [rows, width]. */
export function linear(program: ProgramBuilder, x: Value, options: LinearOptions): Value {
  const { module, width, bias = false, weightFrom, biasFrom, tiedTo } = options;
  const weight = program.weight({
    name: tiedTo ?? `${module}.weight`,
    shape: [width, Number(x.shape.at(-1))],
    ...(weightFrom && { from: weightFrom }),
    use: "matmul",
  });
  const shift = bias
    ? program.weight({ name: `${module}.bias`, shape: [width], ...(biasFrom && { from: biasFrom }), use: "vector" })
    : undefined;
  const { roundProduct } = options;
  return program.value("linear", { module, inputs: [x], weights: [weight, shift], attributes: { roundProduct } });
}
