import { TemplateFault } from "./fault.ts";
import type { Filter } from "./filter.ts";
import { iterator, truth } from "./protocol.ts";
import { repr } from "./repr.ts";
import type { Runtime } from "./runtime.ts";
import { attributeGetter } from "./sorting.ts";
import { LazyIterator, type NamedArguments, textOf, type Value } from "./values.ts";

/** How filters find others by name: `map("upper")`, `select("odd")`. */
export interface Lookup {
  filter(name: string): Filter | undefined;
  test(name: string): Filter | undefined;
}

function named(runtime: Runtime, kind: "filter" | "test", lookup: Lookup, name: Value): Filter {
  const text = textOf(name);
  const found = text === undefined ? undefined : lookup[kind](text);
  if (!found) throw new TemplateFault("TemplateRuntimeError", `No ${kind} named ${repr(runtime, name)} found.`);
  return found;
}

function mapper(runtime: Runtime, lookup: Lookup, positional: Value[], given: NamedArguments): (item: Value) => Value {
  if (positional.length === 0 && given?.has("attribute")) {
    const other = [...given.keys()].find((name) => name !== "attribute" && name !== "default");
    if (other !== undefined) throw new TemplateFault("FilterArgumentError", `Unexpected keyword argument '${other}'`);
    return attributeGetter(runtime, given.get("attribute") as Value, undefined, given.get("default"));
  }
  const [name, ...rest] = positional;
  if (name === undefined) throw new TemplateFault("FilterArgumentError", "map requires a filter argument");
  return (item) => named(runtime, "filter", lookup, name)(runtime, [item, ...rest], given);
}

function* map(runtime: Runtime, lookup: Lookup, [value, ...rest]: Value[], given: NamedArguments): Generator<Value> {
  if (!truth(value as Value)) return;
  const change = mapper(runtime, lookup, rest, given);
  const source = iterator(runtime, value as Value);
  for (let next = source.next(); !next.done; next = source.next()) {
    runtime.budget.spend(1);
    yield change(next.value);
  }
}

function selector(
  runtime: Runtime,
  lookup: Lookup,
  positional: Value[],
  given: NamedArguments,
  byAttribute: boolean,
): (item: Value) => boolean {
  let rest = positional;
  let read = (item: Value) => item;
  if (byAttribute) {
    const [attribute, ...others] = positional;
    if (attribute === undefined) throw new TemplateFault("FilterArgumentError", "Missing parameter for attribute name");
    read = attributeGetter(runtime, attribute);
    rest = others;
  }
  const [name, ...others] = rest;
  if (name === undefined) return (item) => truth(read(item));
  return (item) => truth(named(runtime, "test", lookup, name)(runtime, [read(item), ...others], given));
}

function* select(
  runtime: Runtime,
  lookup: Lookup,
  [value, ...rest]: Value[],
  given: NamedArguments,
  { keep, byAttribute }: { keep: boolean; byAttribute: boolean },
): Generator<Value> {
  if (!truth(value as Value)) return;
  const holds = selector(runtime, lookup, rest, given, byAttribute);
  const source = iterator(runtime, value as Value);
  for (let next = source.next(); !next.done; next = source.next()) {
    runtime.budget.spend(1);
    if (holds(next.value) === keep) yield next.value;
  }
}

/** map, select, reject, selectattr, rejectattr: filters that apply other filters and tests. They are lazy, as in Python. */
export function selectionFilters(lookup: Lookup): readonly [string, Filter][] {
  const selecting = (keep: boolean, byAttribute: boolean): Filter => {
    const way = { keep, byAttribute };
    return (runtime, positional, given) => new LazyIterator(select(runtime, lookup, positional, given, way));
  };
  return [
    ["map", (runtime, positional, given) => new LazyIterator(map(runtime, lookup, positional, given))],
    ["select", selecting(true, false)],
    ["reject", selecting(false, false)],
    ["selectattr", selecting(true, true)],
    ["rejectattr", selecting(false, true)],
  ];
}
