import type { ActivationKind } from "../ops/activation-kinds.ts";
import type { ProgramBuilder, Value } from "./builder.ts";
import { rowsOf } from "./fused.ts";
import { type LinearOptions, linear } from "./linear.ts";
import { normalQuantile } from "./normal-quantile.ts";

/**
 * down(act(gate(x)) · up(x)): [tokens, hidden] -> [tokens, hidden]. Modules gate_proj, up_proj, down_proj; `fused` names
 * one module that holds gate and up one after the other instead. `sparsity` is a part of the gate's values: a border is set
 * so that this part of normally distributed values lies below it; values below become 0 before act, others fall by the border.
 */
export function gatedMlp(
  program: ProgramBuilder,
  x: Value,
  options: { module: string; width: number; kind: ActivationKind; bias?: boolean; fused?: string; sparsity?: number },
): Value {
  const { module, width, kind, bias = false, fused, sparsity = 0 } = options;
  const part = (name: string, first: number): LinearOptions =>
    fused === undefined
      ? { module: `${module}.${name}`, width, bias }
      : { ...rowsOf(`${module}.${fused}`, name, [[first, first + width]]), bias };
  let gate = linear(program, x, part("gate_proj", 0)); // [tokens, width]
  if (sparsity > 0) {
    gate = program.value("gaussian_cut", { module, inputs: [gate], attributes: { deviations: normalQuantile(sparsity) } });
  }
  const up = linear(program, x, part("up_proj", width)); // [tokens, width]
  const inner = program.value("gated_activation", { module, inputs: [gate, up], attributes: { kind } });
  return linear(program, inner, { module: `${module}.down_proj`, width: Number(x.shape.at(-1)), bias });
}

/** second(act(first(x))): [tokens, hidden] -> [tokens, second.width]. */
export function mlp(
  program: ProgramBuilder,
  x: Value,
  options: { module: string; kind: ActivationKind; first: LinearOptions; second: LinearOptions },
): Value {
  const inner = linear(program, x, options.first); // [tokens, first.width]
  const active = program.value("activation", { module: options.module, inputs: [inner], attributes: { kind: options.kind } });
  return linear(program, active, options.second);
}
