import { floatText } from "./decimal.ts";
import type { Runtime } from "./runtime.ts";
import { Dict, DictView, Float, LazyIterator, Markup, Namespace, Range, Tuple, Undefined, type Value } from "./values.ts";

const plain = /^[ !#-&(-[\]-~\u00a1-\u00ac\u00ae-\u0377\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fa5]*$/;
const unprintable = /[\p{C}\p{Z}]/u;
const short: { readonly [character: string]: string } = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\" };

/** `repr(str)`: quoted, with what is not printable escaped. */
export function quoted(text: string): string {
  if (plain.test(text)) return `'${text}'`;
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  let body = "";
  for (const character of text) body += escaped(character, quote);
  return `${quote}${body}${quote}`;
}

function escaped(character: string, quote: string): string {
  if (character === quote) return `\\${quote}`;
  const known = short[character];
  if (known !== undefined) return known;
  return character === " " || !unprintable.test(character) ? character : hexEscape(character);
}

function hexEscape(character: string): string {
  const point = character.codePointAt(0) as number;
  const hex = point.toString(16);
  if (point < 0x100) return `\\x${hex.padStart(2, "0")}`;
  return point < 0x10000 ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
}

/** `ascii(value)`: its repr with every character beyond ASCII escaped. */
export function asciiText(runtime: Runtime, value: Value): string {
  const text = repr(runtime, value);
  runtime.budget.spend(text.length);
  return text.replace(/[^\0-\x7f]/gu, hexEscape);
}

/** `str(value)`: what `{{ value }}` writes. */
export function textFrom(runtime: Runtime, value: Value): string {
  if (typeof value === "string") return value;
  if (typeof value === "number") return String(value);
  if (value instanceof Markup) return value.text;
  if (value instanceof Undefined) return "";
  return repr(runtime, value);
}

/** `repr(value)`. */
export function repr(runtime: Runtime, value: Value): string {
  const { budget } = runtime;
  budget.spend(1);
  if (value === null) return "None";
  switch (typeof value) {
    case "string":
      budget.spend(value.length);
      return quoted(value);
    case "boolean":
      return value ? "True" : "False";
    case "number":
      return String(value);
    case "bigint":
      return bigText(runtime, value);
  }
  if (Array.isArray(value)) return `[${list(runtime, value)}]`;
  if (value instanceof Dict) return dict(runtime, value);
  if (value instanceof Tuple) return tuple(runtime, value.items);
  if (value instanceof Float) return floatText(value.value);
  if (value instanceof Markup) return `Markup(${repr(runtime, value.text)})`;
  if (value instanceof Undefined) return "Undefined";
  if (value instanceof DictView) return `dict_${value.kind}([${list(runtime, viewValues(value))}])`;
  if (value instanceof Range) return `range(${value.start}, ${value.stop}${value.step === 1 ? "" : `, ${value.step}`})`;
  if (value instanceof Namespace) return `<Namespace ${dict(runtime, value.attributes)}>`;
  if (value instanceof LazyIterator) return `<${value.typeName} object>`;
  const written = value.attribute?.("__repr__");
  return typeof written === "string" ? written : `<${value.typeName} ${value.name}>`;
}

/** Python refuses to write an int of more than 4,300 digits, since that takes quadratic time. */
function bigText(runtime: Runtime, value: bigint): string {
  const digits = value.toString(16).length * 1.2041;
  if (digits > 4301) throw runtime.budget.refuse("an int of more than 4300 digits is turned into text");
  runtime.budget.text(digits);
  return value.toString();
}

function list(runtime: Runtime, values: Iterable<Value>): string {
  let text = "";
  for (const item of values) {
    const part = repr(runtime, item);
    runtime.budget.text(part.length);
    text = text === "" ? part : `${text}, ${part}`;
  }
  return text;
}

function tuple(runtime: Runtime, items: readonly Value[]): string {
  return items.length === 1 ? `(${list(runtime, items)},)` : `(${list(runtime, items)})`;
}

function dict(runtime: Runtime, value: Dict): string {
  let text = "";
  for (const [id, item] of value.entries) {
    const part = `${repr(runtime, value.keyOf(id))}: ${repr(runtime, item)}`;
    runtime.budget.text(part.length);
    text = text === "" ? part : `${text}, ${part}`;
  }
  return `{${text}}`;
}

/** What a view of a dict gives, in order. */
export function* viewValues(view: DictView): Generator<Value> {
  const { dict: from, kind } = view;
  for (const [id, value] of from.entries) {
    if (kind === "keys") yield from.keyOf(id);
    else yield kind === "values" ? value : new Tuple([from.keyOf(id), value]);
  }
}
