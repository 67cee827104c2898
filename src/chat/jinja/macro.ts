import { typeError } from "./fault.ts";
import type { Runtime } from "./runtime.ts";
import { missing } from "./scope.ts";
import { Callable, Dict, Markup, type NamedArguments, Tuple, Undefined, type Value } from "./values.ts";

/** What a macro takes, and what of the special names its body reads. */
export interface MacroShape {
  /** undefined for the block of a `{% call %}`. */
  name: string | undefined;
  parameters: readonly string[];
  readsCaller: boolean;
  readsKwargs: boolean;
  readsVarargs: boolean;
}

/**
 * A macro that can be called. `run` gets the values of its parameters (`missing` where none is given), then its caller, named
 * and further arguments, as far as the body reads them, and gives the text.
 */
export function createMacro(shape: MacroShape, run: (runtime: Runtime, values: Value[]) => string): Callable {
  const shown = shape.name === undefined ? "anonymous" : `'${shape.name}'`;
  const call = (runtime: Runtime, positional: Value[], named: NamedArguments): Value => {
    const text = run(runtime, argumentsOf(shape, positional, named));
    return runtime.autoescape ? new Markup(text) : text;
  };
  return new Callable(shown, call, "Macro", (name) => {
    switch (name) {
      case "name":
        return shape.name ?? null;
      case "arguments":
        return new Tuple(shape.parameters);
      case "catch_kwargs":
        return shape.readsKwargs;
      case "catch_varargs":
        return shape.readsVarargs;
      case "caller":
        return shape.readsCaller;
      case "explicit_caller":
        return shape.parameters.includes("caller");
    }
    return undefined;
  });
}

function argumentsOf(shape: MacroShape, positional: readonly Value[], named: NamedArguments): Value[] {
  const { parameters } = shape;
  const shown = shape.name === undefined ? "None" : `'${shape.name}'`;
  const values = positional.slice(0, parameters.length);
  const rest = new Map(named);
  let foundCaller = values.length === parameters.length && parameters.includes("caller");
  for (const parameter of parameters.slice(values.length)) {
    values.push(rest.has(parameter) ? (rest.get(parameter) as Value) : missing);
    rest.delete(parameter);
    if (parameter === "caller") foundCaller = true;
  }
  if (shape.readsCaller && !foundCaller) {
    values.push(rest.get("caller") ?? new Undefined("No caller defined"));
    rest.delete("caller");
  }
  if (shape.readsKwargs) values.push(new Dict(new Map(rest)));
  else if (rest.has("caller")) {
    throw typeError(`macro ${shown} was invoked with two values for the special caller argument. This is most likely a bug.`);
  } else if (rest.size > 0) throw typeError(`macro ${shown} takes no keyword argument '${rest.keys().next().value}'`);
  if (shape.readsVarargs) values.push(new Tuple(positional.slice(parameters.length)));
  else if (positional.length > parameters.length) {
    throw typeError(`macro ${shown} takes not more than ${parameters.length} argument(s)`);
  }
  return values;
}
