import { bind, type Parameter, parameters } from "./call.ts";
import type { Runtime } from "./runtime.ts";
import type { NamedArguments, Value } from "./values.ts";

/** A filter or a test: the value comes first among the positional arguments. */
export type Filter = (runtime: Runtime, positional: Value[], named: NamedArguments) => Value;

/** A filter with named parameters, the first of which is the filtered value. */
export function filter(
  name: string,
  signature: string,
  run: (runtime: Runtime, given: (Value | undefined)[]) => Value,
): [string, Filter] {
  const expected: readonly Parameter[] = parameters(signature);
  return [name, (runtime, positional, named) => run(runtime, bind(name, expected, positional, named))];
}
