import { bind, parameters } from "./call.ts";
import { typeError, valueError } from "./fault.ts";
import { optionalIndex } from "./number-arguments.ts";
import { equal, iterator, keyId, listFrom, setKey } from "./protocol.ts";
import type { Runtime } from "./runtime.ts";
import { Callable, Dict, DictView, Float, isInteger, type Range, Tuple, Undefined, type Value } from "./values.ts";

type Given = (Value | undefined)[];

function callable(name: string, type: string, signature: string, run: (runtime: Runtime, given: Given) => Value): Callable {
  const expected = parameters(signature);
  return new Callable(name, (runtime, positional, named) => run(runtime, bind(`${type}.${name}`, expected, positional, named)));
}

/** Methods that change a value: Jinja's sandbox refuses them. */
const changing: { readonly [type: string]: ReadonlySet<string> } = {
  dict: new Set(["clear", "pop", "popitem", "setdefault", "update"]),
  list: new Set(["append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove"]),
};

/** What the sandbox gives in place of an attribute that is not safe: any use of it fails. */
export function unsafe(type: string, name: string): Undefined {
  return new Undefined(`access to attribute '${name}' of '${type}' object is unsafe.`, "SecurityError");
}

/** A method of a dict by name; undefined where there is none. */
export function dictMethod(self: Dict, name: string): Value | undefined {
  switch (name) {
    case "items":
    case "keys":
    case "values":
      return callable(name, "dict", "", () => new DictView(name, self));
    case "get":
      return callable(name, "dict", "key, default=, /", (runtime, [key, otherwise]) => {
        const found = self.entries.get(keyId(runtime, key as Value));
        return found === undefined ? (otherwise ?? null) : found;
      });
    case "copy":
      return callable(name, "dict", "", (runtime) => {
        runtime.budget.spend(self.entries.size);
        const copy = new Dict();
        for (const [id, value] of self.entries) copy.set(id, self.keyOf(id), value);
        return copy;
      });
    case "fromkeys":
      return callable(name, "dict", "iterable, value=, /", (runtime, [keys, value]) => {
        const made = new Dict();
        for (const key of listFrom(runtime, keys as Value)) setKey(runtime, made, key, value ?? null);
        return made;
      });
  }
  return changing.dict?.has(name) ? unsafe("dict", name) : undefined;
}

/** `dict(...)`: from a dict or pairs, and names. */
export function makeDict(runtime: Runtime, positional: readonly Value[], named: Map<string, Value> | undefined): Dict {
  if (positional.length > 1) throw typeError(`dict expected at most 1 argument, got ${positional.length}`);
  const made = new Dict();
  const [from] = positional;
  if (from instanceof Dict) {
    for (const [id, value] of from.entries) setKey(runtime, made, from.keyOf(id), value);
  } else if (from !== undefined) {
    for (const pair of listFrom(runtime, from)) {
      const parts = listFrom(runtime, pair);
      if (parts.length !== 2) {
        throw valueError(`dictionary update sequence element has length ${parts.length}; 2 is required`);
      }
      setKey(runtime, made, parts[0] as Value, parts[1] as Value);
    }
  }
  for (const [name, value] of named ?? []) setKey(runtime, made, name, value);
  return made;
}

/** A method of a list, a tuple or a range by name; undefined where there is none. */
export function sequenceMethod(self: Value[] | Tuple | Range, type: string, name: string): Value | undefined {
  switch (name) {
    case "count":
      return callable(name, type, "value, /", (runtime, [value]) => {
        let count = 0;
        const source = iterator(runtime, self);
        for (let next = source.next(); !next.done; next = source.next()) {
          if (equal(runtime, next.value, value as Value)) count += 1;
        }
        return count;
      });
    case "index":
      return callable(name, type, "value, start=, stop=, /", (runtime, [value, start, stop]) => {
        const items = listFrom(runtime, self);
        const place = (index: number) => (index < 0 ? Math.max(0, index + items.length) : index);
        const from = place(optionalIndex(start, 0));
        const to = Math.min(items.length, place(optionalIndex(stop, items.length)));
        for (let i = from; i < to; i++) if (equal(runtime, items[i] as Value, value as Value)) return i;
        throw valueError(`${type}.index(x): x not in ${type}`);
      });
    case "copy":
      if (type !== "list") return undefined;
      return callable(name, type, "", (runtime) => listFrom(runtime, self));
  }
  if (type === "range" && (name === "start" || name === "stop" || name === "step")) return (self as Range)[name];
  if (self instanceof Tuple && self.names) return self.items[self.names.indexOf(name)];
  return changing[type]?.has(name) ? unsafe(type, name) : undefined;
}

/** An attribute of an int, a bool or a float; undefined where there is none. */
export function numberAttribute(self: number | bigint | boolean | Float, name: string): Value | undefined {
  const whole = typeof self === "boolean" ? +self : self;
  switch (name) {
    case "real":
      return whole;
    case "imag":
      return self instanceof Float ? new Float(0) : 0;
    case "conjugate":
      return callable(name, "int", "", () => whole);
  }
  if (whole instanceof Float) {
    if (name !== "is_integer") return undefined;
    return callable(name, "float", "", () => Number.isInteger(whole.value));
  }
  if (!isInteger(whole)) return undefined;
  switch (name) {
    case "numerator":
      return whole;
    case "denominator":
      return 1;
    case "bit_length":
      return callable(name, "int", "", () =>
        whole === 0 ? 0 : (whole < 0 ? -BigInt(whole) : BigInt(whole)).toString(2).length,
      );
    case "bit_count":
      return callable(name, "int", "", () => {
        const bits = (whole < 0 ? -BigInt(whole) : BigInt(whole)).toString(2);
        return bits.length - bits.replaceAll("1", "").length;
      });
  }
  return undefined;
}
