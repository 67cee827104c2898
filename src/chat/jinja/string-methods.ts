import { isPythonSpace } from "../../util/python-space.ts";
import { bind, type Parameter, parameters } from "./call.ts";
import { capitalize, caseFold, isLower, isTitle, isUpper, swapCase, title } from "./case.ts";
import { escaped } from "./escape.ts";
import { typeError, valueError } from "./fault.ts";
import { indexFrom, optionalIndex } from "./number-arguments.ts";
import { iterator, truth } from "./protocol.ts";
import type { Runtime } from "./runtime.ts";
import { indexIn, lastIndexIn, placesIn } from "./search.ts";
import { lengthOf, pointAt, sliceOf, splitLines, splitSpaces, stripped, strippedOf, unitAt } from "./text.ts";
import { Callable, Markup, Tuple, textOf, typeName, type Value } from "./values.ts";

type Given = (Value | undefined)[];
type Result = Value;
type Body = (runtime: Runtime, text: string, given: Given, isSafe: boolean) => Result;

/** Methods of str by name. Of Markup, texts that they give are Markup too. */
const methods = new Map<string, { expected: readonly Parameter[]; run: Body }>();

function method(name: string, signature: string, run: Body): void {
  methods.set(name, { expected: parameters(signature), run });
}

/** A method of a str or of Markup; undefined where there is none of this name. */
export function stringMethod(self: string | Markup, name: string): Value | undefined {
  const found = methods.get(name);
  if (!found) return undefined;
  const isSafe = self instanceof Markup;
  const text = isSafe ? self.text : self;
  return new Callable(name, (runtime, positional, named) => {
    runtime.budget.text(text.length);
    const result = found.run(runtime, text, bind(`str.${name}`, found.expected, positional, named), isSafe);
    return isSafe ? marked(result) : result;
  });
}

function marked(value: Value): Value {
  if (typeof value === "string") return new Markup(value);
  if (Array.isArray(value)) return value.map(marked);
  return value instanceof Tuple ? new Tuple(value.items.map(marked)) : value;
}

function textArgument(method: string, value: Value | undefined): string {
  const text = value === undefined ? undefined : textOf(value);
  if (text === undefined) throw typeError(`${method} argument must be str, not ${typeName(value ?? null)}`);
  return text;
}

/** [start, end) in UTF-16 units of the part of a text that `find` and its like look at; undefined: there is none. */
function partOf(runtime: Runtime, text: string, start: Value | undefined, end: Value | undefined) {
  if ((start === undefined || start === null) && (end === undefined || end === null)) return { from: 0, to: text.length };
  const length = lengthOf(runtime, text);
  const place = (index: number) => (index < 0 ? Math.max(0, index + length) : Math.min(index, length));
  const from = optionalIndex(start, 0);
  const to = place(optionalIndex(end, length));
  if (from > length || place(from) > to) return undefined;
  return { from: unitAt(runtime, text, place(from)), to: unitAt(runtime, text, to) };
}

function find(runtime: Runtime, text: string, [part, start, end]: Given, last: boolean, name: string): number {
  const wanted = textArgument(name, part);
  const range = partOf(runtime, text, start, end);
  if (!range) return -1;
  const within = text.slice(range.from, range.to);
  const at = last ? lastIndexIn(runtime, within, wanted) : indexIn(runtime, within, wanted);
  return at < 0 ? -1 : pointAt(runtime, text, range.from + at);
}

for (const last of [false, true]) {
  const name = last ? "rfind" : "find";
  const raising = last ? "rindex" : "index";
  method(name, "sub, start=, end=, /", (runtime, text, given) => find(runtime, text, given, last, `${name}()`));
  method(raising, "sub, start=, end=, /", (runtime, text, given) => {
    const at = find(runtime, text, given, last, `${raising}()`);
    if (at < 0) throw valueError("substring not found");
    return at;
  });
}

method("count", "sub, start=, end=, /", (runtime, text, [part, start, end]) => {
  const wanted = textArgument("count()", part);
  const range = partOf(runtime, text, start, end);
  if (!range) return 0;
  const within = text.slice(range.from, range.to);
  return wanted === "" ? lengthOf(runtime, within) + 1 : placesIn(runtime, within, wanted).length;
});

for (const isEnd of [false, true]) {
  const name = isEnd ? "endswith" : "startswith";
  method(name, "prefix, start=, end=, /", (runtime, text, [prefix, start, end]) => {
    const wanted = prefix instanceof Tuple ? prefix.items : [prefix as Value];
    const range = partOf(runtime, text, start, end);
    return wanted.some((each) => {
      const part = textOf(each);
      if (part === undefined) {
        throw typeError(`${name} first arg must be str or a tuple of str, not ${typeName(each)}`);
      }
      runtime.budget.text(part.length);
      if (!range || range.to - range.from < part.length) return false;
      return text.startsWith(part, isEnd ? range.to - part.length : range.from);
    });
  });
}

for (const [name, left, right] of [
  ["strip", true, true],
  ["lstrip", true, false],
  ["rstrip", false, true],
] as const) {
  method(name, "chars=, /", (runtime, text, [characters]) => {
    if (characters === undefined || characters === null) return stripped(text, isPythonSpace, left, right);
    const set = textOf(characters);
    if (set === undefined) throw typeError(`${name} arg must be None or str`);
    runtime.budget.spend(set.length);
    return strippedOf(text, set, left, right);
  });
}

method("removeprefix", "prefix, /", (_, text, [prefix]) => {
  const part = textArgument("removeprefix()", prefix);
  return text.startsWith(part) ? text.slice(part.length) : text;
});
method("removesuffix", "suffix, /", (_, text, [suffix]) => {
  const part = textArgument("removesuffix()", suffix);
  return part !== "" && text.endsWith(part) ? text.slice(0, -part.length) : text;
});

/** `str.replace`; a count below 0 is no limit. */
export function replaceText(runtime: Runtime, text: string, old: string, by: string, count: number): string {
  const most = count < 0 ? Number.POSITIVE_INFINITY : count;
  if (old === "") {
    const points = Array.from(text);
    const times = Math.min(most, points.length + 1);
    runtime.budget.spend(points.length);
    runtime.budget.text(text.length + times * by.length);
    let out = "";
    for (let i = 0; i <= points.length; i++) out += (i < times ? by : "") + (points[i] ?? "");
    return out;
  }
  const places = placesIn(runtime, text, old, most);
  if (places.length === 0) return text;
  runtime.budget.text(text.length + places.length * by.length);
  let out = "";
  let at = 0;
  for (const place of places) {
    out += text.slice(at, place) + by;
    at = place + old.length;
  }
  return out + text.slice(at);
}

method("replace", "old, new, count=, /", (runtime, text, [old, by, count], isSafe) => {
  const from = textArgument("replace()", old);
  textArgument("replace()", by);
  const to = isSafe ? escaped(runtime, by as Value).text : (textOf(by as Value) as string);
  return replaceText(runtime, text, from, to, optionalIndex(count, -1));
});

function separated(runtime: Runtime, text: string, separator: string, most: number): string[] {
  if (separator === "") throw valueError("empty separator");
  const parts: string[] = [];
  let at = 0;
  for (const place of placesIn(runtime, text, separator, most)) {
    parts.push(text.slice(at, place));
    at = place + separator.length;
  }
  parts.push(text.slice(at));
  return parts;
}

/** `str.rsplit` as `str.split` of both turned round. */
function separatedFromRight(runtime: Runtime, text: string, separator: string, most: number): string[] {
  if (separator === "") throw valueError("empty separator");
  const turned = (value: string) => value.split("").reverse().join("");
  runtime.budget.spend(text.length);
  return separated(runtime, turned(text), turned(separator), most).map(turned).reverse();
}

function spacesFromRight(text: string, most: number): string[] {
  const parts: string[] = [];
  let end = text.length;
  for (;;) {
    while (end > 0 && isPythonSpace(text.charCodeAt(end - 1))) end -= 1;
    if (end === 0) return parts.reverse();
    if (parts.length >= most) return [text.slice(0, end), ...parts.reverse()];
    let start = end;
    while (start > 0 && !isPythonSpace(text.charCodeAt(start - 1))) start -= 1;
    parts.push(text.slice(start, end));
    end = start;
  }
}

for (const fromRight of [false, true]) {
  const name = fromRight ? "rsplit" : "split";
  method(name, "sep=, maxsplit=", (runtime, text, [separator, maxsplit]) => {
    const given = optionalIndex(maxsplit, -1);
    const most = given < 0 ? Number.POSITIVE_INFINITY : given;
    if (separator === undefined || separator === null) {
      const parts = fromRight && most < text.length ? spacesFromRight(text, most) : splitSpaces(text, most);
      runtime.budget.spend(4 * parts.length);
      return parts;
    }
    const by = textOf(separator);
    if (by === undefined) throw typeError(`must be str or None, not ${typeName(separator)}`);
    return fromRight && most < text.length ? separatedFromRight(runtime, text, by, most) : separated(runtime, text, by, most);
  });
}

method("splitlines", "keepends=", (runtime, text, [keepEnds]) => {
  const lines = splitLines(text, keepEnds !== undefined && truth(keepEnds));
  runtime.budget.spend(lines.length);
  return lines;
});

for (const last of [false, true]) {
  const name = last ? "rpartition" : "partition";
  method(name, "sep, /", (runtime, text, [separator]) => {
    const by = textArgument(name, separator);
    if (by === "") throw valueError("empty separator");
    const at = last ? lastIndexIn(runtime, text, by) : indexIn(runtime, text, by);
    if (at < 0) return new Tuple(last ? ["", "", text] : [text, "", ""]);
    return new Tuple([text.slice(0, at), by, text.slice(at + by.length)]);
  });
}

/** `separator.join(values)`; of Markup, what is joined is escaped. */
method("join", "iterable, /", (runtime, text, [values], isSafe) => {
  const source = iterator(runtime, values as Value);
  let out = "";
  let index = 0;
  for (let next = source.next(); !next.done; next = source.next(), index++) {
    const part = isSafe ? escaped(runtime, next.value).text : textOf(next.value);
    if (part === undefined) {
      throw typeError(`sequence item ${index}: expected str instance, ${typeName(next.value)} found`);
    }
    runtime.budget.text(part.length + text.length);
    out += index === 0 ? part : text + part;
  }
  return out;
});

const whole: { readonly [name: string]: (text: string) => Value } = {
  upper: (text) => text.toUpperCase(),
  lower: (text) => text.toLowerCase(),
  capitalize,
  title,
  swapcase: swapCase,
  casefold: caseFold,
  islower: isLower,
  isupper: isUpper,
  istitle: isTitle,
  isspace: (text) => text !== "" && stripped(text, isPythonSpace, true, false) === "",
  isalpha: (text) => /^\p{L}+$/u.test(text),
  isdecimal: (text) => /^\p{Nd}+$/u.test(text),
  isdigit: (text) => /^[\p{Nd}²³¹\u1369-\u1371\u19da⁰⁴-⁹₀-₉①-⑨⑴-⑼⒈-⒐⓪⓵-⓽⓿❶-❾➀-➈➊-➒]+$/u.test(text),
  isnumeric: (text) => /^[\p{N}〇零一二三四五六七八九十百千万億兆壱弐参肆伍陸漆捌玖拾]+$/u.test(text),
  isalnum: (text) => /^[\p{L}\p{N}]+$/u.test(text),
  isascii: (text) => !/[^\0-\x7f]/.test(text),
  isidentifier: (text) => /^[\p{XID_Start}_]\p{XID_Continue}*$/u.test(text),
  isprintable: (text) => !/[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u.test(text),
};
for (const [name, run] of Object.entries(whole)) {
  method(name, "", (runtime, text) => {
    runtime.budget.spend(text.length);
    return run(text);
  });
}

function fillCharacter(value: Value | undefined): string {
  if (value === undefined) return " ";
  const fill = textArgument("fill character", value);
  if (Array.from(fill).length !== 1) throw typeError("The fill character must be exactly one character long");
  return fill;
}

/** `str.center`, `ljust`, `rjust`. */
export function justified(runtime: Runtime, text: string, width: number, fill: string, side: "ljust" | "rjust" | "center") {
  const missing = width - lengthOf(runtime, text);
  if (missing <= 0) return text;
  runtime.budget.text(missing * fill.length + text.length);
  // an odd space goes to the left where the width is odd too
  const half = Math.floor(missing / 2) + (missing & width & 1);
  const left = side === "center" ? half : side === "rjust" ? missing : 0;
  return fill.repeat(left) + text + fill.repeat(missing - left);
}

for (const side of ["ljust", "rjust", "center"] as const) {
  method(side, "width, fillchar=, /", (runtime, text, [width, fill]) =>
    justified(runtime, text, indexFrom(width as Value), fillCharacter(fill), side),
  );
}

method("zfill", "width, /", (runtime, text, [width]) => {
  const missing = indexFrom(width as Value) - lengthOf(runtime, text);
  if (missing <= 0) return text;
  runtime.budget.text(missing + text.length);
  const sign = /^[+-]/.test(text) ? text.slice(0, 1) : "";
  return sign + "0".repeat(missing) + text.slice(sign.length);
});

method("expandtabs", "tabsize=", (runtime, text, [tabSize]) => {
  const size = optionalIndex(tabSize, 8);
  runtime.budget.text(text.length + (text.split("\t").length - 1) * Math.max(0, size));
  let column = 0;
  let out = "";
  for (const character of text) {
    const spaces = size > 0 ? size - (column % size) : 0;
    out += character === "\t" ? " ".repeat(spaces) : character;
    column = character === "\n" || character === "\r" ? 0 : column + (character === "\t" ? spaces : 1);
  }
  return out;
});

for (const name of ["encode", "translate", "maketrans"]) {
  method(name, "a=, b=, c=", () => {
    throw typeError(`str.${name}() is not there in chat templates: they have no bytes and no tables`);
  });
}

/** `str[start:stop:step]`. */
export function textSlice(runtime: Runtime, text: string, indices: { start: number; count: number; step: number }): string {
  const { start, count, step } = indices;
  if (step === 1) return sliceOf(runtime, text, start, start + count);
  const points = Array.from(text);
  runtime.budget.spend(points.length + count);
  let out = "";
  for (let i = 0; i < count; i++) out += points[start + i * step];
  return out;
}
