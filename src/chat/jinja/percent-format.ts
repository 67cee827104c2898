import { escaped } from "./escape.ts";
import { typeError, valueError } from "./fault.ts";
import { indexFrom, toFloat, toInteger } from "./number-arguments.ts";
import { floatDigits, mostPlaces, wholeDigits } from "./number-format.ts";
import { keyId } from "./protocol.ts";
import { asciiText, repr, textFrom } from "./repr.ts";
import type { Runtime } from "./runtime.ts";
import { sliceOf } from "./text.ts";
import { Dict, Float, isInteger, isNumeric, Markup, Range, Tuple, textOf, typeName, Undefined, type Value } from "./values.ts";

interface Conversion {
  flags: string;
  width: number;
  precision: number | undefined;
  type: string;
}

/** `format % values`: Python's printf-style formatting. */
export function percentFormat(runtime: Runtime, format: string | Markup, values: Value): Value {
  const isSafe = format instanceof Markup;
  const source = isSafe ? format.text : format;
  const given = values instanceof Tuple ? values.items : [values];
  const mapping = values instanceof Dict ? values : undefined;
  let used = 0;
  const next = () => {
    if (used >= given.length) throw typeError("not enough arguments for format string");
    used += 1;
    return given[used - 1] as Value;
  };
  let out = "";
  const pattern = /%(?:\(([^()]*(?:\([^()]*\)[^()]*)*)\))?([-+ #0]*)(\*|\d+)?(?:\.(\*|\d*))?[hlL]?([\s\S])?/g;
  let at = 0;
  runtime.budget.text(source.length);
  for (let match = pattern.exec(source); match; match = pattern.exec(source)) {
    out += source.slice(at, match.index);
    at = pattern.lastIndex;
    const [whole, name, flags = "", width, precision, type] = match;
    if (type === undefined) throw valueError("incomplete format");
    if (type === "%") {
      if (whole !== "%%") throw valueError("unsupported format character '%'");
      out += "%";
      continue;
    }
    if (name !== undefined && !mapping) throw typeError("format requires a mapping");
    const conversion: Conversion = { flags, width: 0, precision: undefined, type };
    if (width !== undefined) conversion.width = width === "*" ? indexFrom(next()) : Number(width);
    if (conversion.width < 0) {
      conversion.flags += "-";
      conversion.width = -conversion.width;
    }
    if (precision !== undefined) conversion.precision = precision === "*" ? Math.max(0, indexFrom(next())) : Number(precision);
    if ((conversion.precision ?? 0) > mostPlaces) throw valueError(`precision is at most ${mostPlaces} in chat templates`);
    runtime.budget.text(conversion.width);
    const value = name === undefined ? next() : named(runtime, mapping as Dict, name);
    out += converted(runtime, conversion, value, isSafe);
    runtime.budget.text(out.length - at > 0 ? conversion.width : 0);
  }
  out += source.slice(at);
  // Python takes whatever has items for a mapping, which may hold more than is asked for
  const isOpen = mapping || Array.isArray(values) || values instanceof Range || values instanceof Undefined;
  if (used < given.length && !isOpen) {
    throw typeError("not all arguments converted during string formatting");
  }
  runtime.budget.text(out.length);
  return isSafe ? new Markup(out) : out;
}

function named(runtime: Runtime, mapping: Dict, name: string): Value {
  const value = mapping.entries.get(keyId(runtime, name));
  if (value === undefined) throw typeError(`KeyError: '${name}'`);
  return value;
}

function converted(runtime: Runtime, { flags, width, precision, type }: Conversion, value: Value, isSafe: boolean): string {
  const has = (flag: string) => flags.includes(flag);
  const pad = (sign: string, body: string, zeros: boolean) => {
    const missing = width - sign.length - body.length;
    if (missing <= 0) return sign + body;
    if (has("-")) return sign + body + " ".repeat(missing);
    return zeros && has("0") ? sign + "0".repeat(missing) + body : " ".repeat(missing) + sign + body;
  };
  const signOf = (negative: boolean) => (negative ? "-" : has("+") ? "+" : has(" ") ? " " : "");
  switch (type) {
    case "s":
    case "r":
    case "a": {
      const text = type === "s" ? textFrom(runtime, value) : (type === "r" ? repr : asciiText)(runtime, value);
      const shown = isSafe ? escaped(runtime, type === "s" ? value : text).text : text;
      runtime.budget.text(shown.length);
      return pad("", precision === undefined ? shown : sliceOf(runtime, shown, 0, precision), false);
    }
    case "c":
      return pad("", characterOf(value), false);
    case "d":
    case "i":
    case "u": {
      if (!isNumeric(value)) throw typeError(`%${type} format: a real number is required, not ${typeName(value)}`);
      const whole = toInteger(runtime, value);
      return pad(signOf(whole < 0), wholeDigits(runtime, whole, 10).padStart(precision ?? 0, "0"), true);
    }
    case "x":
    case "X":
    case "o": {
      if (!isInteger(value)) throw typeError(`%${type} format: an integer is required, not ${typeName(value)}`);
      const whole = toInteger(runtime, value);
      const digits = wholeDigits(runtime, whole, type === "o" ? 8 : 16).padStart(precision ?? 0, "0");
      const prefix = has("#") ? `0${type}` : "";
      return pad(signOf(whole < 0) + prefix, type === "X" ? digits.toUpperCase() : digits, true);
    }
    case "e":
    case "E":
    case "f":
    case "F":
    case "g":
    case "G": {
      if (!isNumeric(value)) throw typeError(`must be real number, not ${typeName(value)}`);
      const size = toFloat(value);
      return pad(signOf(size < 0 || Object.is(size, -0)), floatDigits(size, type, precision ?? 6, has("#")), true);
    }
  }
  throw valueError(`unsupported format character '${type}'`);
}

function characterOf(value: Value): string {
  const text = textOf(value);
  if (text !== undefined && Array.from(text).length === 1) return text;
  if (isInteger(value) && Number(value) >= 0 && Number(value) <= 0x10ffff) return String.fromCodePoint(Number(value));
  throw typeError(`%c requires int or char${value instanceof Float ? ", not float" : ""}`);
}
