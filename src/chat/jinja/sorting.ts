import { getItem } from "./attributes.ts";
import { compare } from "./protocol.ts";
import type { Runtime } from "./runtime.ts";
import { Markup, Undefined, type Value } from "./values.ts";

/** `sorted(values, key=…, reverse=…)`: stable, and equal values keep their order in reverse too. */
export function sorted<Item>(runtime: Runtime, items: readonly Item[], key: (item: Item) => Value, reverse: boolean): Item[] {
  const keyed = items.map((item) => ({ item, key: key(item) }));
  runtime.budget.spend(4 * items.length);
  const sign = reverse ? -1 : 1;
  keyed.sort((a, b) => sign * compare(runtime, a.key, b.key) || 0);
  return keyed.map(({ item }) => item);
}

/** A text in lower case; other values as they are. */
export function ignoreCase(value: Value): Value {
  if (typeof value === "string") return value.toLowerCase();
  return value instanceof Markup ? new Markup(value.text.toLowerCase()) : value;
}

function pathOf(attribute: Value): Value[] {
  if (attribute === null) return [];
  if (typeof attribute !== "string") return [attribute];
  return attribute.split(".").map((part) => (/^\p{Nd}+$/u.test(part) ? Number(part) : part));
}

/** Reads an attribute by its path, "address.city" or an index; `otherwise` stands where a part of it is not there. */
export function attributeGetter(
  runtime: Runtime,
  attribute: Value,
  change: (value: Value) => Value = (value) => value,
  otherwise?: Value,
): (item: Value) => Value {
  const path = pathOf(attribute);
  return (item) => {
    let value = item;
    for (const part of path) {
      value = getItem(runtime, value, part);
      if (otherwise !== undefined && otherwise !== null && value instanceof Undefined) value = otherwise;
    }
    return change(value);
  };
}

/** Reads several attributes, "age,name", into a list. */
export function attributesGetter(
  runtime: Runtime,
  attributes: Value,
  change: (value: Value) => Value,
): (item: Value) => Value[] {
  const each = typeof attributes === "string" ? attributes.split(",") : [attributes];
  const getters = each.map((attribute) => attributeGetter(runtime, attribute, change));
  return (item) => getters.map((get) => get(item));
}
