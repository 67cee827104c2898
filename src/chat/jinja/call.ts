import { typeError } from "./fault.ts";
import { undefinedFault } from "./protocol.ts";
import type { Runtime } from "./runtime.ts";
import { Callable, type NamedArguments, typeName, Undefined, type Value } from "./values.ts";

/** What a parameter takes: its name, whether it may be given by name, and its default; absent: it must be given. */
export interface Parameter {
  readonly name: string;
  readonly byName: boolean;
  readonly hasDefault: boolean;
}

/**
 * Reads the parameters of a function as Python writes them: "s, old, new, count=, /". `=` marks what may be left out (it
 * is undefined then), "/" the end of those that have no name for callers.
 */
export function parameters(signature: string): readonly Parameter[] {
  let known = signatures.get(signature);
  if (!known) {
    known = readSignature(signature);
    signatures.set(signature, known);
  }
  return known;
}

/** Signatures stand in this code alone, so there are few of them; methods ask for theirs at every access. */
const signatures = new Map<string, readonly Parameter[]>();

function readSignature(signature: string): readonly Parameter[] {
  const names = signature === "" ? [] : signature.split(",").map((part) => part.trim());
  const slash = names.indexOf("/");
  return names
    .filter((name) => name !== "/")
    .map((name, index) => ({ name: name.replace("=", ""), byName: index >= slash, hasDefault: name.endsWith("=") }));
}

/** Puts arguments in the order of the parameters; undefined is a default. Errors are Python's. */
export function bind(
  name: string,
  expected: readonly Parameter[],
  positional: readonly Value[],
  named: NamedArguments,
): (Value | undefined)[] {
  if (positional.length > expected.length) {
    throw typeError(`${name}() takes at most ${expected.length} arguments (${positional.length} given)`);
  }
  const bound: (Value | undefined)[] = positional.slice();
  if (named) {
    for (const [key, value] of named) {
      const index = expected.findIndex((parameter) => parameter.byName && parameter.name === key);
      if (index < 0) throw typeError(`${name}() got an unexpected keyword argument '${key}'`);
      if (index < positional.length) throw typeError(`${name}() got multiple values for argument '${key}'`);
      bound[index] = value;
    }
  }
  for (let index = 0; index < expected.length; index++) {
    if (bound[index] === undefined && !(expected[index] as Parameter).hasDefault) {
      throw typeError(`${name}() missing required argument: '${(expected[index] as Parameter).name}'`);
    }
  }
  return bound;
}

/** Most macros, recursive loops and callers that may be open at a time. Python's own stack ends near the same depth. */
const deepest = 200;

/** Calls a value, if it can be called. */
export function callValue(runtime: Runtime, callee: Value, positional: Value[], named: NamedArguments): Value {
  if (!(callee instanceof Callable)) {
    if (callee instanceof Undefined) throw undefinedFault(callee);
    throw typeError(`'${typeName(callee)}' object is not callable`);
  }
  runtime.budget.spend(1);
  runtime.depth += 1;
  if (runtime.depth > deepest) throw runtime.budget.refuse(`calls are nested more than ${deepest} deep`);
  const result = callee.call(runtime, positional, named);
  runtime.depth -= 1;
  return result;
}
