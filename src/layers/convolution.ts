import type { ProgramBuilder, Value } from "./builder.ts";

/**
 * A causal filter of its own for each channel, of `size` tokens (a depthwise Conv1d): [tokens, channels] -> the same. The
 * slot state keeps the last size − 1 inputs of a sequence.
 */
export function causalConvolution(
  program: ProgramBuilder,
  x: Value,
  options: { module: string; size: number; bias: boolean },
): Value {
  const { module, size, bias } = options;
  const channels = Number(x.shape.at(-1));
  const kernel = program.weight({ name: `${module}.weight`, shape: [channels, 1, size], use: "vector" });
  const shift = bias ? program.weight({ name: `${module}.bias`, shape: [channels], use: "vector" }) : undefined;
  const state = program.slot(module, [Math.max(1, size - 1), channels]);
  return program.value("causal_convolution", { module, inputs: [x], weights: [kernel, shift], state });
}
