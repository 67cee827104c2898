import { TsumugiError } from "../../errors.ts";
import { typeError } from "./fault.ts";
import { Callable, Dict, DictView, Float, LazyIterator, Markup, Range, Tuple, Undefined, type Value } from "./values.ts";

/** How deep the variables of a template may be nested. */
const deepest = 500;

/** How large variables are: UTF-16 units of texts, and one for each value. */
export interface Size {
  units: number;
}

/** What cannot be converted, while its place is not known yet. */
class Refused {
  readonly given: string;
  constructor(given: string) {
    this.given = given;
  }
}

/**
 * A JavaScript value as a template sees it: as Python would read its JSON. Whole numbers are ints, others floats; fields that
 * are `undefined` are left out, and entries of lists None. `name` is where it stands, for messages.
 *
 * @throws `invalid_input` for what JSON has not: Date, Map, Set, BigInt, functions, symbols, cycles
 */
function fromJavaScript(value: unknown, name: string, size: Size): Value {
  try {
    return converted(value, size, 0);
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused;
    throw new TsumugiError("invalid_input", {
      what: `\`${placeOf(value, name, 0) ?? name}\` of a chat template`,
      expected: `what JSON can hold, nested at most ${deepest} deep (write it as a text, a number or a plain object)`,
      given: refused.given,
    });
  }
}

function converted(value: unknown, size: Size, depth: number): Value {
  size.units += 1;
  switch (typeof value) {
    case "string":
      size.units += value.length;
      return value;
    case "boolean":
      return value;
    case "number":
      return fromNumber(value);
    case "undefined":
      return null;
    case "object":
      break;
    default:
      throw new Refused(typeof value === "bigint" ? "a BigInt" : `a ${typeof value}`);
  }
  if (value === null) return null;
  if (depth > deepest) throw new Refused("values nested deeper than that, or in a cycle");
  if (Array.isArray(value)) {
    const items: Value[] = [];
    for (const item of value) items.push(converted(item, size, depth + 1));
    return items;
  }
  if (!isPlain(value)) throw new Refused(`a ${value.constructor?.name ?? "value of a type of its own"}`);
  const dict = new Dict();
  for (const key of Object.keys(value)) {
    const item = (value as Record<string, unknown>)[key];
    if (item === undefined) continue;
    size.units += key.length;
    const id = key.charCodeAt(0) === 0 ? `\0s${key}` : key;
    dict.set(id, key, converted(item, size, depth + 1));
  }
  return dict;
}

/** Whether an object's fields are what it is: plain objects, and those of classes that JSON writes as such. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return true;
  const isObject = Object.prototype.toString.call(value) === "[object Object]";
  return isObject && typeof (value as { toJSON?: unknown }).toJSON !== "function";
}

/** Where the first value stands that cannot be converted. */
function placeOf(value: unknown, name: string, depth: number): string | undefined {
  if (typeof value !== "object" || value === null) {
    return ["function", "symbol", "bigint"].includes(typeof value) ? name : undefined;
  }
  if (depth > deepest || (!Array.isArray(value) && !isPlain(value))) return name;
  for (const [key, item] of Object.entries(value)) {
    const inner = Array.isArray(value) ? `${name}[${key}]` : `${name}.${key}`;
    const found = placeOf(item, inner, depth + 1);
    if (found !== undefined) return found.length > 200 ? `${found.slice(0, 200)}…` : found;
  }
  return undefined;
}

/** What JSON writes for a number tells its type: digits alone are an int. */
function fromNumber(value: number): Value {
  if (Number.isSafeInteger(value)) return value === 0 ? 0 : value;
  return Number.isInteger(value) && Math.abs(value) < 1e21 ? BigInt(value) : new Float(value);
}

/** A variable of the template; a function of the caller can be called there, with JavaScript's values. */
export function variableFrom(value: unknown, name: string, size: Size): Value {
  if (typeof value !== "function") return fromJavaScript(value, name, size);
  const call: Callable["call"] = (runtime, positional, named) => {
    if (named) throw typeError(`${name}() takes no keyword arguments`);
    const answer: Size = { units: 0 };
    const converted = fromJavaScript(value(...positional.map(toJavaScript)), `${name}()`, answer);
    runtime.budget.spend(answer.units);
    return converted;
  };
  return new Callable(name, call, "function");
}

/** A template's value as JavaScript's, for functions of the caller. */
function toJavaScript(value: Value): unknown {
  if (value instanceof Undefined) return undefined;
  if (value instanceof Float) return value.value;
  if (value instanceof Markup) return value.text;
  if (Array.isArray(value)) return value.map(toJavaScript);
  if (value instanceof Tuple) return value.items.map(toJavaScript);
  if (value instanceof Dict) {
    return Object.fromEntries([...value.entries].map(([id, item]) => [String(value.keyOf(id)), toJavaScript(item)]));
  }
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Range || value instanceof DictView || value instanceof LazyIterator || value instanceof Callable) {
    throw new TsumugiError("invalid_input", {
      what: "An argument that a chat template gives to a function of the caller",
      expected: "a text, a number, a list or a dict",
      given: "another value",
    });
  }
  return value;
}
