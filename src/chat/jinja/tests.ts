import { arithmetic } from "./arithmetic.ts";
import { isLower, isUpper } from "./case.ts";
import { type Filter, filter } from "./filter.ts";
import { compare, contains, equal, iterate, sizeOf } from "./protocol.ts";
import { textFrom } from "./repr.ts";
import type { Runtime } from "./runtime.ts";
import { Callable, Dict, DictView, Float, isInteger, isNumeric, Markup, textOf, Undefined, type Value } from "./values.ts";

type Given = (Value | undefined)[];

const remainderIs = (runtime: Runtime, value: Value, by: Value, wanted: number) =>
  equal(runtime, arithmetic(runtime, "%", value, by), wanted);

function order(name: string, symbols: string[], holds: (order: number) => boolean): [string, Filter][] {
  const operator = symbols.find((symbol) => /[<>]/.test(symbol)) as string;
  return [name, ...symbols].map((each) =>
    filter(each, "a, b, /", (runtime, [a, b]) => holds(compare(runtime, a as Value, b as Value, operator))),
  );
}

const equality = (names: string[], wanted: boolean): [string, Filter][] =>
  names.map((name) => filter(name, "a, b, /", (runtime, [a, b]) => equal(runtime, a as Value, b as Value) === wanted));

/** The text of a value that is looked at letter by letter. */
function counted(value: Value, runtime: Runtime): string {
  const text = textFrom(runtime, value);
  runtime.budget.spend(text.length);
  return text;
}

const one = (name: string, holds: (value: Value, runtime: Runtime) => boolean): [string, Filter] =>
  filter(name, "value", (runtime, [value]: Given) => holds(value as Value, runtime));

/** The tests of `is`, but for those that ask for filters and tests themselves. */
export const plainTests: readonly [string, Filter][] = [
  one("odd", (value, runtime) => remainderIs(runtime, value, 2, 1)),
  one("even", (value, runtime) => remainderIs(runtime, value, 2, 0)),
  filter("divisibleby", "value, num", (runtime, [value, by]) => remainderIs(runtime, value as Value, by as Value, 0)),
  one("defined", (value) => !(value instanceof Undefined)),
  one("undefined", (value) => value instanceof Undefined),
  one("none", (value) => value === null),
  one("boolean", (value) => typeof value === "boolean"),
  one("true", (value) => value === true),
  one("false", (value) => value === false),
  one("integer", (value) => isInteger(value) && typeof value !== "boolean"),
  one("float", (value) => value instanceof Float),
  one("number", (value) => isNumeric(value)),
  one("lower", (value, runtime) => isLower(counted(value, runtime))),
  one("upper", (value, runtime) => isUpper(counted(value, runtime))),
  one("string", (value) => textOf(value) !== undefined),
  one("mapping", (value) => value instanceof Dict),
  one("sequence", (value, runtime) => {
    if (value instanceof DictView || value instanceof Callable || value instanceof Undefined) return value instanceof Undefined;
    return sizeOf(runtime, value) !== undefined;
  }),
  one("iterable", (value, runtime) => iterate(runtime, value) !== undefined),
  one("callable", (value) => value instanceof Callable || value instanceof Undefined),
  one("escaped", (value) => value instanceof Markup),
  filter("sameas", "value, other", (_, [a, b]) => a === b),
  filter("in", "value, seq", (runtime, [value, seq]) => contains(runtime, seq as Value, value as Value)),
  ...equality(["==", "eq", "equalto"], true),
  ...equality(["!=", "ne"], false),
  ...order("gt", ["greaterthan", ">"], (value) => value > 0),
  ...order("ge", [">="], (value) => value >= 0),
  ...order("lt", ["lessthan", "<"], (value) => value < 0),
  ...order("le", ["<="], (value) => value <= 0),
];
