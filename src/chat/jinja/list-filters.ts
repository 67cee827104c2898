import { arithmetic } from "./arithmetic.ts";
import { getItem } from "./attributes.ts";
import { escaped, escapeHtml } from "./escape.ts";
import { TemplateFault, typeError } from "./fault.ts";
import { type Filter, filter } from "./filter.ts";
import { indexFrom } from "./number-arguments.ts";
import { compare, equal, iterate, iterator, keyId, listFrom, sizeOf, truth } from "./protocol.ts";
import { textFrom } from "./repr.ts";
import type { Runtime } from "./runtime.ts";
import { attributeGetter, attributesGetter, ignoreCase, sorted } from "./sorting.ts";
import {
  Dict,
  DictView,
  type KeyId,
  LazyIterator,
  Markup,
  Range,
  Tuple,
  textOf,
  typeName,
  Undefined,
  type Value,
} from "./values.ts";

const isTrue = (value: Value | undefined) => value !== undefined && truth(value);
const caseOf = (caseSensitive: Value | undefined) => (isTrue(caseSensitive) ? (value: Value) => value : ignoreCase);

/** What can be walked from its end. */
function reversed(runtime: Runtime, value: Value): LazyIterator | undefined {
  const kinds: readonly [boolean, string][] = [
    [Array.isArray(value), "list_reverseiterator"],
    [value instanceof Tuple || value instanceof Undefined, "reversed"],
    [value instanceof Dict, "dict_reversekeyiterator"],
    [value instanceof DictView, "dict_reverseviewiterator"],
    [value instanceof Range, "range_iterator"],
    [textOf(value) !== undefined, "reversed"],
  ];
  const kind = kinds.find(([matches]) => matches);
  return kind && new LazyIterator(listFrom(runtime, value).reverse()[Symbol.iterator](), kind[1]);
}

function reverse(runtime: Runtime, value: Value): Value {
  const text = textOf(value);
  if (text !== undefined) {
    const turned = Array.from(text).reverse().join("");
    runtime.budget.spend(text.length);
    return value instanceof Markup ? new Markup(turned) : turned;
  }
  const walked = reversed(runtime, value);
  if (walked) return walked;
  if (!iterate(runtime, value)) throw new TemplateFault("FilterArgumentError", "argument must be iterable");
  return listFrom(runtime, value).reverse();
}

function last(runtime: Runtime, value: Value): Value {
  if (Array.isArray(value) && value.length > 0) return value[value.length - 1] as Value;
  const walked = reversed(runtime, value);
  if (!walked) throw typeError(`'${typeName(value)}' object is not reversible`);
  const { value: found, done } = walked.source.next();
  return done ? new Undefined("No last item, sequence was empty.") : found;
}

function first(runtime: Runtime, value: Value): Value {
  const { value: found, done } = iterator(runtime, value).next();
  return done ? new Undefined("No first item, sequence was empty.") : found;
}

function extreme(runtime: Runtime, value: Value, caseSensitive: Value | undefined, attribute: Value | undefined, sign: number) {
  const source = iterator(runtime, value);
  const head = source.next();
  if (head.done) return new Undefined("No aggregated item, sequence was empty.");
  const key = attributeGetter(runtime, attribute ?? null, caseOf(caseSensitive));
  let best = head.value;
  let bestKey = key(best);
  for (let next = source.next(); !next.done; next = source.next()) {
    const nextKey = key(next.value);
    if (sign * compare(runtime, nextKey, bestKey, sign < 0 ? ">" : "<") >= 0) continue;
    best = next.value;
    bestKey = nextKey;
  }
  return best;
}

function join(runtime: Runtime, value: Value, separator: Value, attribute: Value | undefined): Value {
  let items = listFrom(runtime, value);
  if (attribute !== undefined && attribute !== null) items = items.map(attributeGetter(runtime, attribute));
  const isSafe = runtime.autoescape && [separator, ...items].some((item) => item instanceof Markup);
  runtime.budget.spend(4 * items.length);
  const texts = items.map((item) => (isSafe ? escaped(runtime, item).text : textFrom(runtime, item)));
  let by = textFrom(runtime, separator);
  if (isSafe && !(separator instanceof Markup)) by = escapeHtml(by);
  runtime.budget.text(texts.reduce((sum, text) => sum + text.length + by.length, 0));
  const joined = texts.join(by);
  return isSafe ? new Markup(joined) : joined;
}

function* unique(runtime: Runtime, value: Value, caseSensitive: Value | undefined, attribute: Value | undefined) {
  const key = attributeGetter(runtime, attribute ?? null, caseOf(caseSensitive));
  const seen = new Set<KeyId>();
  const source = iterator(runtime, value);
  for (let next = source.next(); !next.done; next = source.next()) {
    runtime.budget.spend(4);
    const id = keyId(runtime, key(next.value));
    if (seen.has(id)) continue;
    seen.add(id);
    yield next.value;
  }
}

function* batch(runtime: Runtime, value: Value, count: number, fill: Value | undefined): Generator<Value> {
  let row: Value[] = [];
  const source = iterator(runtime, value);
  for (let next = source.next(); !next.done; next = source.next()) {
    if (row.length === count) {
      runtime.budget.spend(8);
      yield row;
      row = [];
    }
    row.push(next.value);
  }
  if (row.length === 0) return;
  if (fill !== undefined && fill !== null) {
    runtime.budget.spend(Math.max(0, count - row.length));
    while (row.length < count) row.push(fill);
  }
  yield row;
}

function* slice(runtime: Runtime, value: Value, slices: number, fill: Value | undefined): Generator<Value> {
  const items = listFrom(runtime, value);
  if (slices === 0) throw new TemplateFault("ZeroDivisionError", "integer division or modulo by zero");
  const size = Math.floor(items.length / slices);
  const longer = items.length - size * slices;
  for (let index = 0, start = 0; index < slices; index++) {
    const end = start + size + (index < longer ? 1 : 0);
    runtime.budget.spend(8 + end - start);
    const row = items.slice(start, end);
    if (fill !== undefined && fill !== null && index >= longer) row.push(fill);
    start = end;
    yield row;
  }
}

function groupBy(
  runtime: Runtime,
  value: Value,
  attribute: Value,
  otherwise: Value | undefined,
  caseSensitive: Value | undefined,
) {
  const key = attributeGetter(runtime, attribute, caseOf(caseSensitive), otherwise);
  const shown = attributeGetter(runtime, attribute, undefined, otherwise);
  const groups: { key: Value; items: Value[] }[] = [];
  for (const item of sorted(runtime, listFrom(runtime, value), key, false)) {
    const itemKey = key(item);
    const open = groups[groups.length - 1];
    if (open && equal(runtime, open.key, itemKey)) open.items.push(item);
    else groups.push({ key: itemKey, items: [item] });
  }
  return groups.map(({ items }) => new Tuple([shown(items[0] as Value), items], ["grouper", "list"]));
}

function dictSort(runtime: Runtime, value: Value, caseSensitive: Value | undefined, by: Value, isReverse: boolean): Value[] {
  const place = by === "key" ? 0 : by === "value" ? 1 : undefined;
  if (place === undefined) {
    throw new TemplateFault("FilterArgumentError", 'You can only sort by either "key" or "value"');
  }
  if (!(value instanceof Dict)) throw typeError(`'${typeName(value)}' object has no attribute 'items'`);
  const change = caseOf(caseSensitive);
  const items = listFrom(runtime, new DictView("items", value)) as Tuple[];
  return sorted(runtime, items, (item) => change(item.items[place] as Value), isReverse);
}

function sum(runtime: Runtime, value: Value, attribute: Value | undefined, start: Value): Value {
  const get = attribute === undefined || attribute === null ? (item: Value) => item : attributeGetter(runtime, attribute);
  if (textOf(start) !== undefined) throw typeError("sum() can't sum strings [use ''.join(seq) instead]");
  let total = start;
  const source = iterator(runtime, value);
  for (let next = source.next(); !next.done; next = source.next()) total = arithmetic(runtime, "+", total, get(next.value));
  return total;
}

function length(runtime: Runtime, value: Value): number {
  const size = sizeOf(runtime, value);
  if (size === undefined) throw typeError(`object of type '${typeName(value)}' has no len()`);
  return size;
}

function random(runtime: Runtime, value: Value): Value {
  const size = length(runtime, value);
  if (size === 0) return new Undefined("No random item, sequence was empty.");
  return getItem(runtime, value, Math.floor(Math.random() * size));
}

function* dictItems(runtime: Runtime, value: Value): Generator<Value> {
  if (value instanceof Undefined) return;
  if (!(value instanceof Dict)) throw typeError("Can only get item pairs from a mapping.");
  const source = iterator(runtime, new DictView("items", value));
  for (let next = source.next(); !next.done; next = source.next()) yield next.value;
}

/** Filters over lists, dicts and other values that can be iterated. */
export const listFilters: readonly [string, Filter][] = [
  filter("length", "obj, /", (runtime, [value]) => length(runtime, value as Value)),
  filter("count", "obj, /", (runtime, [value]) => length(runtime, value as Value)),
  filter("first", "seq", (runtime, [value]) => first(runtime, value as Value)),
  filter("last", "seq", (runtime, [value]) => last(runtime, value as Value)),
  filter("random", "seq", (runtime, [value]) => random(runtime, value as Value)),
  filter("list", "value", (runtime, [value]) => listFrom(runtime, value as Value)),
  filter("reverse", "value", (runtime, [value]) => reverse(runtime, value as Value)),
  filter("items", "value", (runtime, [value]) => new LazyIterator(dictItems(runtime, value as Value))),
  filter("join", "value, d=, attribute=", (runtime, [value, separator = "", attribute]) =>
    join(runtime, value as Value, separator, attribute),
  ),
  filter("sort", "value, reverse=, case_sensitive=, attribute=", (runtime, [value, isReverse, caseSensitive, attribute]) =>
    sorted(
      runtime,
      listFrom(runtime, value as Value),
      attributesGetter(runtime, attribute ?? null, caseOf(caseSensitive)),
      isTrue(isReverse),
    ),
  ),
  filter("dictsort", "value, case_sensitive=, by=, reverse=", (runtime, [value, caseSensitive, by = "key", isReverse]) =>
    dictSort(runtime, value as Value, caseSensitive, by, isTrue(isReverse)),
  ),
  filter(
    "unique",
    "value, case_sensitive=, attribute=",
    (runtime, [value, caseSensitive, attribute]) => new LazyIterator(unique(runtime, value as Value, caseSensitive, attribute)),
  ),
  filter("min", "value, case_sensitive=, attribute=", (runtime, [value, caseSensitive, attribute]) =>
    extreme(runtime, value as Value, caseSensitive, attribute, 1),
  ),
  filter("max", "value, case_sensitive=, attribute=", (runtime, [value, caseSensitive, attribute]) =>
    extreme(runtime, value as Value, caseSensitive, attribute, -1),
  ),
  filter("sum", "iterable, attribute=, start=", (runtime, [value, attribute, start = 0]) =>
    sum(runtime, value as Value, attribute, start),
  ),
  filter(
    "batch",
    "value, linecount, fill_with=",
    (runtime, [value, count, fill]) => new LazyIterator(batch(runtime, value as Value, indexFrom(count as Value), fill)),
  ),
  filter(
    "slice",
    "value, slices, fill_with=",
    (runtime, [value, slices, fill]) => new LazyIterator(slice(runtime, value as Value, indexFrom(slices as Value), fill)),
  ),
  filter("groupby", "value, attribute, default=, case_sensitive=", (runtime, [value, attribute, otherwise, caseSensitive]) =>
    groupBy(runtime, value as Value, attribute as Value, otherwise, caseSensitive),
  ),
];
