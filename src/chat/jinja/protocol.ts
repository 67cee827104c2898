import { TemplateFault, typeError } from "./fault.ts";
import { repr, viewValues } from "./repr.ts";
import type { Runtime } from "./runtime.ts";
import { indexIn } from "./search.ts";
import { pointsOf } from "./text.ts";
import {
  Callable,
  Dict,
  DictView,
  Float,
  isNumeric,
  type KeyId,
  LazyIterator,
  Markup,
  Namespace,
  Range,
  Tuple,
  textOf,
  typeName,
  Undefined,
  type Value,
} from "./values.ts";

/** The fault of an undefined value that is used. */
export function undefinedFault(value: Undefined): TemplateFault {
  return new TemplateFault(value.kind, value.message);
}

/** `bool(value)`. */
export function truth(value: Value): boolean {
  if (typeof value === "string") return value !== "";
  if (typeof value === "boolean") return value;
  if (value === null) return false;
  if (typeof value === "number") return value !== 0;
  if (typeof value === "bigint") return value !== 0n;
  if (Array.isArray(value)) return value.length > 0;
  if (value instanceof Undefined) return false;
  if (value instanceof Dict) return value.entries.size > 0;
  if (value instanceof Tuple) return value.items.length > 0;
  if (value instanceof Float) return value.value !== 0;
  if (value instanceof Markup) return value.text !== "";
  if (value instanceof DictView) return value.dict.entries.size > 0;
  if (value instanceof Range) return value.length > 0;
  return true;
}

/** `len(value)`; undefined where it has none. */
export function sizeOf(runtime: Runtime, value: Value): number | undefined {
  const text = textOf(value);
  if (text !== undefined) return (pointsOf(runtime, text) ?? text).length;
  if (Array.isArray(value)) return value.length;
  if (value instanceof Dict) return value.entries.size;
  if (value instanceof Tuple) return value.items.length;
  if (value instanceof DictView) return value.dict.entries.size;
  if (value instanceof Range) return value.length;
  if (value instanceof Undefined) return 0;
  const size = value instanceof Callable ? value.attribute?.("__len__") : undefined;
  return typeof size === "number" ? size : undefined;
}

/** `iter(value)` as JavaScript's; undefined where a value cannot be iterated. Each value that is taken costs a unit. */
export function iterate(runtime: Runtime, value: Value): Iterator<Value> | undefined {
  if (Array.isArray(value)) return counted(runtime, value[Symbol.iterator]());
  if (value instanceof Dict) return counted(runtime, viewValues(new DictView("keys", value)));
  if (value instanceof Tuple) return counted(runtime, value.items[Symbol.iterator]());
  if (value instanceof LazyIterator) return value.source;
  if (value instanceof DictView) return counted(runtime, viewValues(value));
  if (value instanceof Range) return counted(runtime, rangeValues(value));
  if (typeof value === "string") return counted(runtime, value[Symbol.iterator]());
  if (value instanceof Markup) return counted(runtime, value.text[Symbol.iterator]());
  if (value instanceof Undefined) return [][Symbol.iterator]();
  return undefined;
}

function* rangeValues({ start, step, length }: Range): Generator<Value> {
  for (let i = 0; i < length; i++) yield start + i * step;
}

function* counted(runtime: Runtime, source: Iterator<Value>): Generator<Value> {
  for (;;) {
    const next = source.next();
    if (next.done) return;
    runtime.budget.spend(1);
    yield next.value;
  }
}

/** `iter(value)`, or Python's TypeError. */
export function iterator(runtime: Runtime, value: Value): Iterator<Value> {
  const found = iterate(runtime, value);
  if (!found) throw typeError(`'${typeName(value)}' object is not iterable`);
  return found;
}

/** `list(value)`. */
export function listFrom(runtime: Runtime, value: Value): Value[] {
  if (Array.isArray(value)) {
    runtime.budget.spend(value.length);
    return value.slice();
  }
  const values: Value[] = [];
  const source = iterator(runtime, value);
  for (let next = source.next(); !next.done; next = source.next()) {
    runtime.budget.spend(1);
    values.push(next.value);
  }
  return values;
}

/** What a key is found under in a dict; unhashable values are refused. */
export function keyId(runtime: Runtime, key: Value): KeyId {
  if (typeof key === "string") return key.charCodeAt(0) === 0 ? `\0s${key}` : key;
  if (key === null || typeof key === "number" || typeof key === "bigint") return key;
  if (typeof key === "boolean") return key ? 1 : 0;
  if (key instanceof Markup) return keyId(runtime, key.text);
  if (key instanceof Float) return floatId(key.value);
  if (key instanceof Tuple) {
    let id = "\0t";
    for (const item of key.items) {
      const part = keyId(runtime, item);
      if (typeof part === "object" && part !== null)
        throw typeError("a tuple that holds such values is no key in chat templates");
      const text = `${typeof part}:${String(part)}`;
      runtime.budget.text(text.length + 8);
      id += `${text.length}:${text}`;
    }
    return id;
  }
  if (key instanceof Undefined) return Undefined;
  if (!isHashable(key)) throw typeError(`unhashable type: '${typeName(key)}'`);
  return key as object;
}

/** Whether a value can be a key. */
export function isHashable(key: Value): boolean {
  if (key instanceof Tuple) return key.items.every(isHashable);
  return !(Array.isArray(key) || key instanceof Dict || key instanceof DictView);
}

function floatId(value: number): KeyId {
  if (!Number.isInteger(value) || Number.isSafeInteger(value)) return value;
  return BigInt(value);
}

/** Sets a key of a dict. */
export function setKey(runtime: Runtime, dict: Dict, key: Value, value: Value): void {
  runtime.budget.spend(4);
  dict.set(keyId(runtime, key), key, value);
}

/** `a == b`. */
export function equal(runtime: Runtime, a: Value, b: Value): boolean {
  runtime.budget.spend(1);
  if (typeof a === "string") {
    const other = textOf(b);
    if (other === undefined || other.length !== a.length) return false;
    runtime.budget.text(a.length);
    return a === other;
  }
  if (a === b) return true;
  if (isNumeric(a)) return isNumeric(b) && numbersEqual(a, b);
  if (a === null || typeof b !== "object" || b === null) return textOf(a) !== undefined && textOf(a) === textOf(b);
  if (Array.isArray(a)) return Array.isArray(b) && sequencesEqual(runtime, a, b);
  if (a instanceof Tuple) return b instanceof Tuple && sequencesEqual(runtime, a.items, b.items);
  if (a instanceof Dict) return b instanceof Dict && dictsEqual(runtime, a, b);
  if (a instanceof Undefined) return b instanceof Undefined;
  if (a instanceof Markup) return textOf(b) === a.text;
  if (a instanceof Range) return b instanceof Range && rangesEqual(a, b);
  if (a instanceof DictView && b instanceof DictView && a.kind !== "values" && a.kind === b.kind) {
    const [left, right] = [listFrom(runtime, a), listFrom(runtime, b)];
    if (a.kind === "keys") return left.length === right.length && left.every((key) => b.dict.entries.has(keyId(runtime, key)));
    return dictsEqual(runtime, a.dict, b.dict);
  }
  return false;
}

function numbersEqual(a: number | bigint | boolean | Float, b: number | bigint | boolean | Float): boolean {
  const [left, right] = [a, b].map((value) =>
    value instanceof Float ? value.value : typeof value === "boolean" ? +value : value,
  );
  // biome-ignore lint/suspicious/noDoubleEquals: a number and a bigint are compared by value
  return left == right;
}

function sequencesEqual(runtime: Runtime, a: readonly Value[], b: readonly Value[]): boolean {
  return a.length === b.length && a.every((item, index) => equal(runtime, item, b[index] as Value));
}

function dictsEqual(runtime: Runtime, a: Dict, b: Dict): boolean {
  if (a.entries.size !== b.entries.size) return false;
  for (const [id, value] of a.entries) {
    if (!b.entries.has(id) || !equal(runtime, value, b.entries.get(id) as Value)) return false;
  }
  return true;
}

function rangesEqual(a: Range, b: Range): boolean {
  if (a.length !== b.length) return false;
  return a.length === 0 || (a.start === b.start && (a.length === 1 || a.step === b.step));
}

/** Below 0, 0 or above 0 as a stands to b; NaN where floats have no order. Throws where the types have none. */
export function compare(runtime: Runtime, a: Value, b: Value, operator = "<"): number {
  runtime.budget.spend(1);
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (isNumeric(a) && isNumeric(b)) {
    const [left, right] = [a, b].map((value) => (value instanceof Float ? value.value : value)) as [number, number];
    return left < right ? -1 : left > right ? 1 : Number.isNaN(left) || Number.isNaN(right) ? Number.NaN : 0;
  }
  const text = textOf(a);
  const other = textOf(b);
  if (text !== undefined && other !== undefined) {
    runtime.budget.text(Math.min(text.length, other.length));
    return compareTexts(text, other);
  }
  if (Array.isArray(a) && Array.isArray(b)) return compareSequences(runtime, a, b, operator);
  if (a instanceof Tuple && b instanceof Tuple) return compareSequences(runtime, a.items, b.items, operator);
  for (const value of [a, b]) if (value instanceof Undefined) throw undefinedFault(value);
  throw typeError(`'${operator}' not supported between instances of '${typeName(a)}' and '${typeName(b)}'`);
}

/** Compares by code points. UTF-16 units would say the same, but where a surrogate meets a unit above it. */
function compareTexts(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const [left, right] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (left === right) continue;
    const isPair = (unit: number) => unit >= 0xd800 && unit <= 0xdfff;
    if (isPair(left) !== isPair(right)) return isPair(left) ? 1 : -1;
    return left - right;
  }
  return a.length - b.length;
}

function compareSequences(runtime: Runtime, a: readonly Value[], b: readonly Value[], operator: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    if (!equal(runtime, a[i] as Value, b[i] as Value)) return compare(runtime, a[i] as Value, b[i] as Value, operator);
  }
  return a.length - b.length;
}

/** `item in container`. */
export function contains(runtime: Runtime, container: Value, item: Value): boolean {
  const text = textOf(container);
  if (text !== undefined) {
    const part = textOf(item);
    if (part === undefined) throw typeError(`'in <string>' requires string as left operand, not ${typeName(item)}`);
    return indexIn(runtime, text, part) >= 0;
  }
  if (container instanceof Dict) return container.entries.has(keyId(runtime, item));
  if (container instanceof DictView && container.kind === "keys") return container.dict.entries.has(keyId(runtime, item));
  const source = iterate(runtime, container);
  if (!source || container instanceof Namespace) {
    throw typeError(`argument of type '${typeName(container)}' is not iterable`);
  }
  for (let next = source.next(); !next.done; next = source.next()) if (equal(runtime, next.value, item)) return true;
  return false;
}

/** A value as Python would show it in a message, cut short. */
export function shown(runtime: Runtime, value: Value): string {
  const text = repr(runtime, value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
