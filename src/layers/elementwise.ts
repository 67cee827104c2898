import type { ProgramBuilder, Value } from "./builder.ts";

/** a + b; `module` is where the sum stands, for skip lists and messages. */
export function add(program: ProgramBuilder, a: Value, b: Value, module: string): Value {
  return program.value("add", { module, inputs: [a, b] });
}

/** x · factor. */
export function scale(program: ProgramBuilder, x: Value, factor: number, module: string): Value {
  return program.value("scale", { module, inputs: [x], attributes: { factor } });
}
