import { floatText } from "./decimal.ts";
import { typeError, valueError } from "./fault.ts";
import { indexFrom } from "./number-arguments.ts";
import { compare, truth } from "./protocol.ts";
import { repr } from "./repr.ts";
import type { Runtime } from "./runtime.ts";
import { Dict, Float, isInteger, Tuple, textOf, typeName, type Value } from "./values.ts";

/** How `json.dumps` writes; the defaults are those of transformers' `tojson`. */
export interface DumpOptions {
  ensureAscii: boolean;
  /** One level's indent; undefined: all on one line. */
  indent: string | undefined;
  itemSeparator: string;
  keySeparator: string;
  sortKeys: boolean;
}

/** Reads the arguments of `tojson(ensure_ascii, indent, separators, sort_keys)`. */
export function dumpOptions(
  runtime: Runtime,
  ensureAscii: Value | undefined,
  indent: Value | undefined,
  separators: Value | undefined,
  sortKeys: Value | undefined,
): DumpOptions {
  const given = separators instanceof Tuple ? separators.items : Array.isArray(separators) ? separators : undefined;
  if (separators !== undefined && separators !== null && given?.length !== 2) {
    throw valueError("separators of tojson are a pair: (item separator, key separator)");
  }
  const [item = null, key = null] = (given ?? []).map((each) => textOf(each) ?? null);
  let step: string | undefined;
  if (indent !== undefined && indent !== null) {
    const width = typeof indent === "string" ? 0 : indexFrom(indent);
    runtime.budget.text(Math.max(0, width));
    step = typeof indent === "string" ? indent : " ".repeat(Math.max(0, width));
  }
  return {
    ensureAscii: ensureAscii !== undefined && truth(ensureAscii),
    indent: step,
    itemSeparator: item ?? (step === undefined ? ", " : ","),
    keySeparator: key ?? ": ",
    sortKeys: sortKeys !== undefined && truth(sortKeys),
  };
}

/** `json.dumps(value)`. Values that JSON has not are Python's TypeErrors. */
export function jsonDumps(runtime: Runtime, value: Value, options: DumpOptions): string {
  return write(runtime, value, options, "\n");
}

function write(runtime: Runtime, value: Value, options: DumpOptions, newline: string): string {
  const { budget } = runtime;
  budget.spend(1);
  const text = textOf(value);
  if (text !== undefined) return jsonText(runtime, text, options.ensureAscii);
  if (value === null) return "null";
  if (typeof value === "boolean") return String(value);
  if (isInteger(value)) return repr(runtime, value);
  if (value instanceof Float) return jsonFloat(value.value);
  if (Array.isArray(value)) return bracketed("[", "]", value, (item, line) => write(runtime, item, options, line));
  if (value instanceof Tuple) return bracketed("[", "]", value.items, (item, line) => write(runtime, item, options, line));
  if (!(value instanceof Dict)) throw typeError(`Object of type ${typeName(value)} is not JSON serializable`);
  let keys = [...value.entries.keys()];
  budget.spend(keys.length);
  if (options.sortKeys) keys = keys.sort((a, b) => compare(runtime, value.keyOf(a), value.keyOf(b)));
  return bracketed("{", "}", keys, (id, line) => {
    const name = jsonText(runtime, jsonKey(runtime, value.keyOf(id)), options.ensureAscii);
    return name + options.keySeparator + write(runtime, value.entries.get(id) as Value, options, line);
  });

  function bracketed<Item>(open: string, close: string, items: readonly Item[], each: (item: Item, line: string) => string) {
    if (items.length === 0) return open + close;
    const line = options.indent === undefined ? "" : newline + options.indent;
    budget.text(items.length * (line.length + options.itemSeparator.length));
    let body = "";
    for (let i = 0; i < items.length; i++) {
      const part = each(items[i] as Item, line);
      body += i === 0 ? line + part : options.itemSeparator + line + part;
    }
    return open + body + (options.indent === undefined ? "" : newline) + close;
  }
}

function jsonFloat(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "Infinity" : "-Infinity";
  return floatText(value);
}

function jsonKey(runtime: Runtime, key: Value): string {
  const text = textOf(key);
  if (text !== undefined) return text;
  if (key === null) return "null";
  if (typeof key === "boolean") return String(key);
  if (key instanceof Float) return jsonFloat(key.value);
  if (isInteger(key)) return repr(runtime, key);
  throw typeError(`keys must be str, int, float, bool or None, not ${typeName(key)}`);
}

const short: { readonly [character: string]: string } = {
  '"': '\\"',
  "\\": "\\\\",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};
const escapeOf = (unit: string) => short[unit] ?? `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** A text in JSON's quotes. Surrogates that stand alone stay, as in Python. */
function jsonText(runtime: Runtime, text: string, ensureAscii: boolean): string {
  runtime.budget.text(text.length);
  const special = ensureAscii ? /["\\]|[^ -~]/g : /["\\\0-\x1f]/g;
  const body = special.test(text) ? text.replace(special, escapeOf) : text;
  if (body !== text) runtime.budget.text(body.length);
  return `"${body}"`;
}
