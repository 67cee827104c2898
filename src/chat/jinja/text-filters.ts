import { isPythonSpace } from "../../util/python-space.ts";
import { getAttribute } from "./attributes.ts";
import { capitalize } from "./case.ts";
import { escaped } from "./escape.ts";
import { TemplateFault, typeError, valueError } from "./fault.ts";
import { type Filter, filter } from "./filter.ts";
import { dumpOptions, jsonDumps } from "./json-dumps.ts";
import { indexFrom, optionalIndex } from "./number-arguments.ts";
import { percentFormat } from "./percent-format.ts";
import { prettyText } from "./pretty-text.ts";
import { sizeOf, truth, undefinedFault } from "./protocol.ts";
import { textFrom } from "./repr.ts";
import type { Runtime } from "./runtime.ts";
import { justified, replaceText } from "./string-methods.ts";
import { lengthOf, sliceOf, splitLines, stripped, strippedOf } from "./text.ts";
import { Dict, Markup, Tuple, textOf, typeName, Undefined, type Value } from "./values.ts";
import { wrapLine } from "./word-wrap.ts";

const isTrue = (value: Value | undefined) => value !== undefined && truth(value);

/** A filter from text to text; of Markup it gives Markup. */
function textFilter(
  name: string,
  signature: string,
  run: (runtime: Runtime, text: string, given: (Value | undefined)[]) => string,
): [string, Filter] {
  return filter(name, signature, (runtime, given) => {
    const [value, ...rest] = given;
    const text = textFrom(runtime, value as Value);
    runtime.budget.text(text.length);
    const result = run(runtime, text, rest);
    runtime.budget.text(result.length);
    return value instanceof Markup ? new Markup(result) : result;
  });
}

/** Jinja's own title case: words begin behind white space, hyphens and opening brackets. */
function titleWords(text: string): string {
  let out = "";
  let first = "";
  let rest = "";
  for (const character of text) {
    if ("-({[<".includes(character) || isPythonSpace(character.charCodeAt(0))) {
      out += first.toUpperCase() + rest.toLowerCase() + character;
      first = "";
      rest = "";
    } else if (first === "") first = character;
    else rest += character;
  }
  return out + first.toUpperCase() + rest.toLowerCase();
}

function indent(runtime: Runtime, text: string, [width = 4, first, blank]: (Value | undefined)[]): string {
  const step = textOf(width) ?? spacesOf(runtime, indexFrom(width));
  const lines = splitLines(`${text}\n`);
  runtime.budget.text(lines.length * (step.length + 1) + text.length);
  const isIndented = (line: string, index: number) => (index === 0 ? isTrue(first) : isTrue(blank) || line !== "");
  return lines.map((line, index) => (isIndented(line, index) ? step + line : line)).join("\n");
}

/** So many spaces, counted before they are made. */
function spacesOf(runtime: Runtime, count: number): string {
  runtime.budget.text(Math.max(0, count));
  return " ".repeat(Math.max(0, count));
}

function truncate(runtime: Runtime, text: string, [length, killWords, end = "...", leeway]: (Value | undefined)[]): string {
  const most = optionalIndex(length, 255);
  const slack = optionalIndex(leeway, 5);
  const ending = textFrom(runtime, end);
  const room = most - lengthOf(runtime, ending);
  if (room < 0) throw new TemplateFault("AssertionError", `expected length >= ${lengthOf(runtime, ending)}, got ${most}`);
  if (slack < 0) throw new TemplateFault("AssertionError", `expected leeway >= 0, got ${slack}`);
  if (lengthOf(runtime, text) <= most + slack) return text;
  const cut = sliceOf(runtime, text, 0, room);
  if (isTrue(killWords)) return cut + ending;
  const space = cut.lastIndexOf(" ");
  return (space < 0 ? cut : cut.slice(0, space)) + ending;
}

/** Short lists and the like stay as they are; long ones cannot be cut. */
function truncateOther(runtime: Runtime, value: Value, [length, , , leeway]: (Value | undefined)[]): Value {
  const size = sizeOf(runtime, value);
  if (size === undefined) throw typeError(`object of type '${typeName(value)}' has no len()`);
  if (size <= optionalIndex(length, 255) + optionalIndex(leeway, 5)) return value;
  throw typeError(`a ${typeName(value)} cannot be truncated`);
}

function wordWrap(runtime: Runtime, text: string, given: (Value | undefined)[]): string {
  const [width, breakLongWords, wrapString, breakOnHyphens] = given;
  const options = {
    width: optionalIndex(width, 79),
    breakLongWords: breakLongWords === undefined || truth(breakLongWords),
    breakOnHyphens: breakOnHyphens === undefined || truth(breakOnHyphens),
  };
  if (options.width <= 0) throw valueError(`invalid width ${options.width} (must be > 0)`);
  const by = wrapString === undefined || wrapString === null ? "\n" : textFrom(runtime, wrapString);
  const paragraphs = splitLines(text).map((line) => wrapLine(runtime, line, options).join(by));
  runtime.budget.text(paragraphs.length * by.length);
  return paragraphs.join(by);
}

function trim(runtime: Runtime, text: string, [characters]: (Value | undefined)[]): string {
  if (characters === undefined || characters === null) return stripped(text, isPythonSpace, true, true);
  const set = textOf(characters);
  if (set === undefined) throw typeError("strip arg must be None or str");
  runtime.budget.spend(set.length);
  return strippedOf(text, set, true, true);
}

function replace(runtime: Runtime, [value, old, by, count]: (Value | undefined)[]): Value {
  const isSafe = runtime.autoescape && [value, old, by].some((each) => each instanceof Markup);
  const text = isSafe ? escaped(runtime, value as Value).text : textFrom(runtime, value as Value);
  const to = isSafe ? escaped(runtime, by as Value).text : textFrom(runtime, by as Value);
  const replaced = replaceText(runtime, text, textFrom(runtime, old as Value), to, optionalIndex(count, -1));
  return isSafe ? new Markup(replaced) : replaced;
}

const format: Filter = (runtime, [value, ...positional], named) => {
  if (positional.length > 0 && named) {
    const message = "can't handle positional and keyword arguments at the same time";
    throw new TemplateFault("FilterArgumentError", message);
  }
  const text = value instanceof Markup ? value : textFrom(runtime, value as Value);
  return percentFormat(runtime, text, named ? new Dict(new Map(named)) : new Tuple(positional));
};

function attribute(runtime: Runtime, value: Value, name: Value): Value {
  const text = textOf(name);
  if (text === undefined) throw typeError(`attribute name must be string, not '${typeName(name)}'`);
  // an item of the same name is no attribute
  const found = value instanceof Dict ? getAttribute(runtime, new Dict(), text) : getAttribute(runtime, value, text);
  if (!(value instanceof Dict) || found instanceof Undefined) return found;
  return getAttribute(runtime, value, text);
}

const defaultSignature = "value, default_value=, boolean=";

/** `default` and `d`: what stands in for an undefined value, or for any false one where `boolean` is set. */
function otherwiseFilter(_: Runtime, [value, otherwise = "", boolean]: (Value | undefined)[]): Value {
  const isMissing = value instanceof Undefined || (isTrue(boolean) && !truth(value as Value));
  return isMissing ? otherwise : (value as Value);
}

/** Filters over texts, and those that turn any value into text. */
export const textFilters: readonly [string, Filter][] = [
  textFilter("upper", "s", (_, text) => text.toUpperCase()),
  textFilter("lower", "s", (_, text) => text.toLowerCase()),
  textFilter("capitalize", "s", (_, text) => capitalize(text)),
  // Markup loses its mark here, as in Jinja2
  filter("title", "s", (runtime, [value]) => {
    const text = textFrom(runtime, value as Value);
    runtime.budget.spend(text.length);
    return titleWords(text);
  }),
  textFilter("string", "object, /", (_, text) => text),
  textFilter("trim", "value, chars=", trim),
  textFilter("center", "value, width=", (runtime, text, [width]) =>
    justified(runtime, text, optionalIndex(width, 80), " ", "center"),
  ),
  filter("indent", "s, width=, first=, blank=", (runtime, [value, ...rest]) => {
    const text = textOf(value as Value);
    if (text === undefined) {
      if (value instanceof Undefined) throw undefinedFault(value);
      throw typeError(`unsupported operand type(s) for +=: '${typeName(value as Value)}' and 'str'`);
    }
    const indented = indent(runtime, text, rest);
    return value instanceof Markup ? new Markup(indented) : indented;
  }),
  filter("truncate", "s, length=, killwords=, end=, leeway=", (runtime, [value, ...rest]) => {
    const text = textOf(value as Value);
    if (text === undefined) return truncateOther(runtime, value as Value, rest);
    const cut = truncate(runtime, text, rest);
    return value instanceof Markup ? new Markup(cut) : cut;
  }),
  filter("wordwrap", "s, width=, break_long_words=, wrapstring=, break_on_hyphens=", (runtime, [value, ...rest]) => {
    const text = textOf(value as Value);
    if (text !== undefined) return wordWrap(runtime, text, rest);
    if (value instanceof Undefined) throw undefinedFault(value);
    throw typeError(`'${typeName(value as Value)}' object has no attribute 'splitlines'`);
  }),
  filter("wordcount", "s", (runtime, [value]) => {
    const text = textFrom(runtime, value as Value);
    runtime.budget.spend(text.length);
    return text.match(/[\p{L}\p{N}_]+/gu)?.length ?? 0;
  }),
  filter("replace", "s, old, new, count=", replace),
  ["format", format],
  filter("default", defaultSignature, otherwiseFilter),
  filter("d", defaultSignature, otherwiseFilter),
  filter("attr", "obj, name", (runtime, [value, name]) => attribute(runtime, value as Value, name as Value)),
  filter("pprint", "value", (runtime, [value]) => prettyText(runtime, value as Value)),
  filter("tojson", "x, ensure_ascii=, indent=, separators=, sort_keys=", (runtime, given) => {
    const [value, ensureAscii, indentation, separators, sortKeys] = given;
    return jsonDumps(runtime, value as Value, dumpOptions(runtime, ensureAscii, indentation, separators, sortKeys));
  }),
];
