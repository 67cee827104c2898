import type { ModulePart, WeightOrigin } from "../ops/program.ts";
import type { ProgramBuilder, Value } from "./builder.ts";

export interface LinearOptions {
  /** The checkpoint's module path. */
  module: string;
  /** Only some rows of the module: see `rowsOf`. */
  part?: Extract<ModulePart, { name: string }>;
  /** Width of the result. */
  width: number;
  bias?: boolean;
  /** The product is rounded to bfloat16 before the bias is added, when activations are (Falcon). Default false. */
  roundProduct?: boolean;
  /** Where the weight comes from, when not `<module>.weight`: a slice of a fused tensor, a transposed one. */
  weightFrom?: readonly WeightOrigin[];
  biasFrom?: readonly WeightOrigin[];
  /** The tensor of another module's weight, which a tied head uses. */
  tiedTo?: string;
}

/** x · weightᵀ (+ bias): [rows, in] -> [rows, width]. */
export function linear(program: ProgramBuilder, x: Value, options: LinearOptions): Value {
  const { module, part, width, bias = false, weightFrom, biasFrom, tiedTo } = options;
  const name = part ? `${module}.${part.name}` : module;
  const weight = program.weight({
    name: tiedTo ?? `${name}.weight`,
    shape: [width, Number(x.shape.at(-1))],
    ...(weightFrom && { from: weightFrom }),
    use: "matmul",
  });
  const shift = bias
    ? program.weight({ name: `${name}.bias`, shape: [width], ...(biasFrom && { from: biasFrom }), use: "vector" })
    : undefined;
  const { roundProduct } = options;
  return program.value("linear", {
    module,
    ...(part && { part }),
    ...(tiedTo && { tiedTo }),
    inputs: [x],
    weights: [weight, shift],
    attributes: { roundProduct },
  });
}
