import type { ActivationKind } from "../ops/activation-kinds.ts";
import type { ProgramBuilder, Value } from "./builder.ts";
import { causalConvolution } from "./convolution.ts";
import { type LinearOptions, linear } from "./linear.ts";
import { rmsNorm } from "./norm.ts";

export interface GatedDeltaNetOptions {
  /** The checkpoint's module path. */
  module: string;
  keyHeads: number;
  /** Each key head serves valueHeads / keyHeads value heads. */
  valueHeads: number;
  keyHeadDim: number;
  valueHeadDim: number;
  /** Tokens that the convolution sees. */
  convolutionSize: number;
  /** The activation after the convolution. */
  kind: ActivationKind;
  epsilon: number;
  /** Queries, keys and values one after the other; the gate of the output; what sets decay (a) and learning rate (b). */
  projections: { mixed: LinearOptions; gate: LinearOptions; a: LinearOptions; b: LinearOptions };
}

/**
 * A gated delta net (Qwen3-Next): [tokens, hidden] -> [tokens, hidden]. Modules conv1d, norm, out_proj, tensors A_log and
 * dt_bias. The slot state keeps what a sequence carries from token to token.
 */
export function gatedDeltaNet(program: ProgramBuilder, x: Value, options: GatedDeltaNetOptions): Value {
  const { module, keyHeads, valueHeads, keyHeadDim, valueHeadDim, convolutionSize: size, kind, epsilon } = options;
  const { mixed, gate, a, b } = options.projections;
  const filtered = causalConvolution(program, linear(program, x, mixed), { module: `${module}.conv1d`, size, bias: false });
  const active = program.value("activation", { module, inputs: [filtered], attributes: { kind } });
  const learned = program.value("gated_delta", {
    module,
    inputs: [active, linear(program, x, a), linear(program, x, b)],
    weights: ["A_log", "dt_bias"].map((name) =>
      program.weight({ name: `${module}.${name}`, shape: [valueHeads], use: "vector" }),
    ),
    state: program.slot(module, [valueHeads, keyHeadDim, valueHeadDim]),
    attributes: { keyHeads, valueHeads, keyHeadDim, valueHeadDim },
  }); // [tokens, valueHeads * valueHeadDim]
  const normal = rmsNorm(program, learned, { module: `${module}.norm`, epsilon, groupSize: valueHeadDim });
  const inputs = [linear(program, x, gate), normal];
  const open = program.value("gated_activation", { module, inputs, attributes: { kind: "silu", unroundedGate: true } });
  return linear(program, open, { module: `${module}.out_proj`, width: Number(x.shape.at(-1)) });
}
