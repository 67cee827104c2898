import type { Runtime } from "./runtime.ts";

/**
 * The values of Python that templates work with. None is null, True and False are booleans, a list is an array, a str is a
 * string. An int is a number, or a bigint where a number is not exact; a float has a class of its own, since 1.0 is not 1.
 */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Value[]
  | Float
  | Tuple
  | Dict
  | Undefined
  | Markup
  | DictView
  | Range
  | LazyIterator
  | Namespace
  | Callable;

export class Float {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

export class Tuple {
  readonly items: readonly Value[];
  /** Names of the items of a named tuple. */
  readonly names: readonly string[] | undefined;
  constructor(items: readonly Value[], names?: readonly string[]) {
    this.items = items;
    this.names = names;
  }
}

/** What a name, an attribute or an item is that is not there. Its text is empty; most of what is done with it fails. */
export class Undefined {
  readonly message: string;
  readonly kind: string;
  constructor(message: string, kind = "UndefinedError") {
    this.message = message;
    this.kind = kind;
  }
}

/** A str that is marked as safe HTML: what is added to it is escaped. */
export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** What a key is found under: Python's equal keys (1, 1.0, True) have equal ids. */
export type KeyId = string | number | bigint | null | object;

/** A dict: any hashable keys, in order of insertion. */
export class Dict {
  readonly entries: Map<KeyId, Value>;
  /** Keys that are not their own id; undefined while there are none. */
  #keys: Map<KeyId, Value> | undefined;

  constructor(entries = new Map<KeyId, Value>()) {
    this.entries = entries;
  }

  /** The key that an id stands for. */
  keyOf(id: KeyId): Value {
    return this.#keys?.has(id) ? (this.#keys.get(id) as Value) : (id as Value);
  }

  /** Sets the value of a key, whose id this is. The key that was there first stays. */
  set(id: KeyId, key: Value, value: Value): void {
    if (id !== key && !this.entries.has(id)) {
      this.#keys ??= new Map();
      this.#keys.set(id, key);
    }
    this.entries.set(id, value);
  }
}

/** `dict.keys()`, `.values()`, `.items()`. */
export class DictView {
  readonly kind: "keys" | "values" | "items";
  readonly dict: Dict;
  constructor(kind: "keys" | "values" | "items", dict: Dict) {
    this.kind = kind;
    this.dict = dict;
  }
}

export class Range {
  readonly start: number;
  readonly stop: number;
  readonly step: number;
  readonly length: number;
  constructor(start: number, stop: number, step: number) {
    this.start = start;
    this.stop = stop;
    this.step = step;
    this.length = Math.max(0, Math.ceil((stop - start) / step));
  }
}

/** A generator or another iterator: it gives its values once. */
export class LazyIterator {
  /** Python's name of the type. */
  readonly typeName: string;
  readonly source: Iterator<Value>;
  constructor(source: Iterator<Value>, typeName = "generator") {
    this.typeName = typeName;
    this.source = source;
  }
}

/** What `namespace()` makes: the only value whose attributes a template can set. */
export class Namespace {
  readonly attributes: Dict;
  constructor(attributes: Dict) {
    this.attributes = attributes;
  }
}

/** Arguments by name; undefined where there are none. */
export type NamedArguments = Map<string, Value> | undefined;

/** Anything that can be called: a method, a macro, a global function, a loop. */
export class Callable {
  readonly name: string;
  readonly typeName: string;
  readonly call: (runtime: Runtime, positional: Value[], named: NamedArguments) => Value;
  /** Attributes that a template can read. */
  readonly attribute: ((name: string) => Value | undefined) | undefined;
  constructor(
    name: string,
    call: (runtime: Runtime, positional: Value[], named: NamedArguments) => Value,
    typeName = "builtin_function_or_method",
    attribute?: (name: string) => Value | undefined,
  ) {
    this.name = name;
    this.call = call;
    this.typeName = typeName;
    this.attribute = attribute;
  }
}

/** Python's name of a value's type, for messages. */
export function typeName(value: Value): string {
  if (value === null) return "NoneType";
  switch (typeof value) {
    case "string":
      return "str";
    case "boolean":
      return "bool";
    case "number":
    case "bigint":
      return "int";
  }
  if (Array.isArray(value)) return "list";
  if (value instanceof Dict) return "dict";
  if (value instanceof Float) return "float";
  if (value instanceof Tuple) return "tuple";
  if (value instanceof Undefined) return "Undefined";
  if (value instanceof Markup) return "Markup";
  if (value instanceof DictView) return `dict_${value.kind}`;
  if (value instanceof Range) return "range";
  if (value instanceof Namespace) return "Namespace";
  return value.typeName;
}

/** The text of a str, Markup included; undefined for other types. */
export function textOf(value: Value): string | undefined {
  if (typeof value === "string") return value;
  return value instanceof Markup ? value.text : undefined;
}

export function isInteger(value: Value): value is number | bigint | boolean {
  return typeof value === "number" || typeof value === "bigint" || typeof value === "boolean";
}

export function isNumeric(value: Value): value is number | bigint | boolean | Float {
  return isInteger(value) || value instanceof Float;
}

/** An int in the form that values have: a number where it is exact. */
export function integer(value: bigint): number | bigint {
  return value >= -9007199254740991n && value <= 9007199254740991n ? Number(value) : value;
}
