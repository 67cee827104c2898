import { isPythonSpace } from "../../util/python-space.ts";
import { TemplateFault, typeError, valueError } from "./fault.ts";
import { undefinedFault } from "./protocol.ts";
import type { Runtime } from "./runtime.ts";
import { stripped } from "./text.ts";
import { Float, integer, isInteger, textOf, typeName, Undefined, type Value } from "./values.ts";

/** An int argument as a number; what is larger than memory can be is cut to that. */
export function indexFrom(value: Value): number {
  if (!isInteger(value)) {
    if (value instanceof Undefined) throw undefinedFault(value);
    throw typeError(`'${typeName(value)}' object cannot be interpreted as an integer`);
  }
  return Math.max(-Number.MAX_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, Number(value)));
}

/** An int argument that may be left out or None. */
export function optionalIndex(value: Value | undefined, otherwise: number): number {
  return value === undefined || value === null ? otherwise : indexFrom(value);
}

/** `int(text, base)`. */
export function integerFromText(runtime: Runtime, text: string, base: number): number | bigint {
  const invalid = () => valueError(`invalid literal for int() with base ${base}: '${text.slice(0, 60)}'`);
  runtime.budget.spend(text.length); // before it is read: what is no number costs as much
  const body = asciiDigits(stripped(text, isPythonSpace, true, true)).toLowerCase();
  const parts = /^([+-]?)(0[xob])?([0-9a-z]+(?:_[0-9a-z]+)*)$/.exec(body) ?? /^([+-]?)()([0-9a-z]+(?:_[0-9a-z]+)*)$/.exec(body);
  if (!parts || !(base === 0 || (base >= 2 && base <= 36))) throw invalid();
  const [, sign, prefix, rest] = parts as unknown as [string, string, string | undefined, string];
  const prefixBase = prefix === "0x" ? 16 : prefix === "0o" ? 8 : prefix === "0b" ? 2 : undefined;
  const usesPrefix = prefixBase !== undefined && (base === 0 || base === prefixBase);
  const digits = (usesPrefix ? rest : (prefix ?? "") + rest).replaceAll("_", "");
  const radix = usesPrefix ? (prefixBase as number) : base === 0 ? 10 : base;
  if (base === 0 && !usesPrefix && digits.length > 1 && digits.startsWith("0") && /[^0]/.test(digits)) throw invalid();
  if (digits.length > 4300) throw valueError("Exceeds the limit (4300 digits) for integer string conversion");
  let value = 0n;
  for (const character of digits) {
    const digit = Number.parseInt(character, 36);
    if (!(digit < radix)) throw invalid();
    value = value * BigInt(radix) + BigInt(digit);
  }
  return integer(sign === "-" ? -value : value);
}

/** Decimal digits of every script as ASCII ones, as Python's `int` and `float` read them. */
function asciiDigits(text: string): string {
  return text.replace(/\p{Nd}/gu, (digit) => {
    const point = digit.codePointAt(0) as number;
    if (point < 128) return digit;
    let zero = point;
    while (point - zero < 9 && /^\p{Nd}$/u.test(String.fromCodePoint(zero - 1))) zero -= 1;
    return String((point - zero) % 10);
  });
}

/** `float(text)`. */
function floatFromText(text: string): number {
  const body = asciiDigits(stripped(text, isPythonSpace, true, true));
  const word = /^([+-]?)(inf|infinity|nan)$/i.exec(body);
  if (word) {
    const size = word[2]?.toLowerCase() === "nan" ? Number.NaN : Number.POSITIVE_INFINITY;
    return word[1] === "-" ? -size : size;
  }
  if (!/^[+-]?(\d+(_\d+)*\.?(\d+(_\d+)*)?|\.\d+(_\d+)*)(e[+-]?\d+(_\d+)*)?$/i.test(body)) {
    throw valueError(`could not convert string to float: '${text.slice(0, 60)}'`);
  }
  return Number(body.replaceAll("_", ""));
}

/** `int(value)`. */
export function toInteger(runtime: Runtime, value: Value): number | bigint {
  if (isInteger(value)) return typeof value === "boolean" ? +value : value;
  if (value instanceof Float) {
    if (Number.isNaN(value.value)) throw valueError("cannot convert float NaN to integer");
    if (!Number.isFinite(value.value)) throw new TemplateFault("OverflowError", "cannot convert float infinity to integer");
    return integer(BigInt(Math.trunc(value.value)));
  }
  const text = textOf(value);
  if (text !== undefined) return integerFromText(runtime, text, 10);
  if (value instanceof Undefined) throw undefinedFault(value);
  throw typeError(`int() argument must be a string, a bytes-like object or a real number, not '${typeName(value)}'`);
}

/** `float(value)`. */
export function toFloat(value: Value): number {
  if (value instanceof Float) return value.value;
  if (isInteger(value)) {
    const size = Number(value);
    if (!Number.isFinite(size)) throw new TemplateFault("OverflowError", "int too large to convert to float");
    return size;
  }
  const text = textOf(value);
  if (text !== undefined) return floatFromText(text);
  if (value instanceof Undefined) throw undefinedFault(value);
  throw typeError(`float() argument must be a string or a real number, not '${typeName(value)}'`);
}
