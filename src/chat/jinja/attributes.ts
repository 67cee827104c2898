import { braceFormat } from "./brace-format.ts";
import { dictMethod, numberAttribute, sequenceMethod, unsafe } from "./collection-methods.ts";
import { typeError, valueError } from "./fault.ts";
import { indexFrom } from "./number-arguments.ts";
import { isHashable, keyId, sizeOf, undefinedFault } from "./protocol.ts";
import { repr } from "./repr.ts";
import type { Runtime } from "./runtime.ts";
import { stringMethod, textSlice } from "./string-methods.ts";
import { pointsOf } from "./text.ts";
import {
  Callable,
  Dict,
  DictView,
  isInteger,
  isNumeric,
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

/** What Python's `getattr` finds; undefined: an AttributeError. */
function attributeOf(runtime: Runtime, value: Value, name: string): Value | undefined {
  if (value instanceof Dict) return dictMethod(value, name);
  if (typeof value === "string" || value instanceof Markup) {
    if (name === "format" || name === "format_map") return formatMethod(value, name);
    return stringMethod(value, name);
  }
  if (Array.isArray(value)) return sequenceMethod(value, "list", name);
  if (value instanceof Tuple) return sequenceMethod(value, "tuple", name);
  if (value instanceof Range) return sequenceMethod(value, "range", name);
  if (value instanceof Namespace) return value.attributes.entries.get(keyId(runtime, name));
  if (isNumeric(value)) return numberAttribute(value, name);
  if (value instanceof Callable) return value.attribute?.(name);
  if (value instanceof DictView || value instanceof LazyIterator) return undefined;
  if (value instanceof Undefined) throw undefinedFault(value);
  return undefined;
}

/** `str.format` and `str.format_map`, whose fields reach no further than the template itself. */
function formatMethod(self: string | Markup, name: string): Callable {
  const isSafe = self instanceof Markup;
  const lookups = { attribute: getAttribute, item: getItem };
  return new Callable(name, (runtime, positional, named) => {
    let fields: { positional: Value[]; named: Map<string, Value> | undefined } = { positional, named };
    if (name === "format_map") {
      const [mapping] = positional;
      if (positional.length !== 1 || named || !(mapping instanceof Dict)) {
        throw typeError("format_map() takes exactly one argument, a dict");
      }
      fields = {
        positional: [],
        named: new Map([...mapping.entries].map(([id, value]) => [String(mapping.keyOf(id)), value])),
      };
    }
    const text = braceFormat(runtime, isSafe ? self.text : self, fields.positional, fields.named, isSafe, lookups);
    return isSafe ? new Markup(text) : text;
  });
}

/** `value.name` of a template: an attribute, else an item. */
export function getAttribute(runtime: Runtime, value: Value, name: string): Value {
  if (name === "__class__") return unsafe(typeName(value), name);
  if (name.startsWith("_") && !(value instanceof Undefined)) {
    const found = itemOf(runtime, value, name);
    if (found !== undefined) return found;
    return name.startsWith("__") ? unsafe(typeName(value), name) : missing(runtime, value, name);
  }
  const attribute = attributeOf(runtime, value, name);
  const found = attribute === undefined ? itemOf(runtime, value, name) : attribute;
  return found === undefined ? missing(runtime, value, name) : found;
}

/** `value[key]` of a template: an item, else an attribute. */
export function getItem(runtime: Runtime, value: Value, key: Value): Value {
  const found = itemOf(runtime, value, key);
  if (found !== undefined) return found;
  const name = textOf(key);
  const attribute = name === undefined || name.startsWith("_") ? undefined : attributeOf(runtime, value, name);
  return attribute === undefined ? missing(runtime, value, key) : attribute;
}

function missing(runtime: Runtime, value: Value, key: Value): Undefined {
  const name = textOf(key);
  const type =
    value === null ? "None" : typeName(value) === "Namespace" ? "jinja2.utils.Namespace object" : `${typeName(value)} object`;
  if (name === undefined) return new Undefined(`${type} has no element ${repr(runtime, key)}`);
  return new Undefined(`'${type}' has no attribute '${name.length > 60 ? `${name.slice(0, 57)}...` : name}'`);
}

/** What Python's `value[key]` gives; undefined: a TypeError or LookupError. */
function itemOf(runtime: Runtime, value: Value, key: Value): Value | undefined {
  if (value instanceof Dict) return isHashable(key) ? value.entries.get(keyId(runtime, key)) : undefined;
  if (value instanceof Undefined) throw undefinedFault(value);
  if (!isInteger(key)) return undefined;
  const index = indexFrom(key);
  if (Array.isArray(value)) return value[index < 0 ? index + value.length : index];
  if (value instanceof Tuple) return value.items[index < 0 ? index + value.items.length : index];
  if (value instanceof Range) {
    const at = index < 0 ? index + value.length : index;
    return at >= 0 && at < value.length ? value.start + at * value.step : undefined;
  }
  const text = textOf(value);
  if (text === undefined) return undefined;
  const points = pointsOf(runtime, text) ?? text;
  const character = points[index < 0 ? index + points.length : index];
  return value instanceof Markup && character !== undefined ? new Markup(character) : character;
}

/** Whether a value has slices. */
function isSliceable(value: Value): boolean {
  return textOf(value) !== undefined || Array.isArray(value) || value instanceof Tuple || value instanceof Range;
}

/** `value[start:stop:step]`. */
export function getSlice(runtime: Runtime, value: Value, start: Value, stop: Value, step: Value): Value {
  const text = textOf(value);
  if (!isSliceable(value)) {
    if (value instanceof Undefined) throw undefinedFault(value);
    if (value instanceof Dict) throw typeError("unhashable type: 'slice'");
    throw typeError(`'${typeName(value)}' object is not subscriptable`);
  }
  const range = sliceIndices(sizeOf(runtime, value) as number, start, stop, step);
  if (text !== undefined) {
    const part = textSlice(runtime, text, range);
    return value instanceof Markup ? new Markup(part) : part;
  }
  if (value instanceof Range) {
    const first = value.start + range.start * value.step;
    const stride = value.step * range.step;
    return new Range(first, value.start + range.stop * value.step, stride);
  }
  const items = Array.isArray(value) ? value : (value as Tuple).items;
  runtime.budget.spend(range.count);
  const picked = Array.from({ length: range.count }, (_, i) => items[range.start + i * range.step] as Value);
  return Array.isArray(value) ? picked : new Tuple(picked);
}

function sliceIndices(length: number, start: Value, stop: Value, step: Value) {
  const index = (value: Value) => {
    if (isInteger(value)) return indexFrom(value);
    if (value instanceof Undefined) throw undefinedFault(value);
    throw typeError("slice indices must be integers or None or have an __index__ method");
  };
  const stride = step === null ? 1 : index(step);
  if (stride === 0) throw valueError("slice step cannot be zero");
  const [low, high] = stride > 0 ? [0, length] : [-1, length - 1];
  const place = (value: Value, otherwise: number) => {
    if (value === null) return otherwise;
    const at = index(value);
    return Math.max(low, Math.min(high, at < 0 ? at + length : at));
  };
  const from = place(start, stride > 0 ? low : high);
  const to = place(stop, stride > 0 ? high : low);
  return { start: from, stop: to, count: Math.max(0, Math.ceil((to - from) / stride)), step: stride };
}
