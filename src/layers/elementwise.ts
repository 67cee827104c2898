import type { ProgramBuilder, Value } from "./builder.ts";

/** a + b; `module` is where the sum stands, for skip lists and messages. */
export function add(program: ProgramBuilder, a: Value, b: Value, module: string): Value {
  return program.value("add", { module, inputs: [a, b] });
}

/** x · factor. */
export function scale(program: ProgramBuilder, x: Value, factor: number, module: string): Value {
  return program.value("scale", { module, inputs: [x], attributes: { factor } });
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
