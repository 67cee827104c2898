import { typeError, valueError } from "./fault.ts";
import { floatDigits, grouped, mostPlaces, plainFloat, wholeDigits } from "./number-format.ts";
import { textFrom } from "./repr.ts";
import type { Runtime } from "./runtime.ts";
import { lengthOf, sliceOf } from "./text.ts";
import { Float, isInteger, textOf, typeName, type Value } from "./values.ts";

interface Spec {
  fill: string;
  align: string;
  sign: string;
  alternate: boolean;
  width: number;
  grouping: string;
  precision: number | undefined;
  type: string;
}

/** `format(value, spec)`: Python's format specification mini-language. */
export function formatValue(runtime: Runtime, value: Value, spec: string): string {
  if (spec === "") return textFrom(runtime, value);
  const text = textOf(value);
  if (text !== undefined) return formatText(runtime, text, parse(spec, "<"));
  if (typeof value === "boolean" && !/[a-zA-Z%]$/.test(spec)) return formatWhole(runtime, value, parse(spec, ">"));
  if (isInteger(value)) return formatWhole(runtime, value, parse(spec, ">"));
  if (value instanceof Float) return formatFloat(runtime, value.value, parse(spec, ">"));
  throw typeError(`unsupported format string passed to ${typeName(value)}.__format__`);
}

function parse(source: string, align: string): Spec {
  const match = /^(?:([\s\S])?([<>=^]))?([-+ ])?(z)?(#)?(0)?(\d+)?([,_])?(?:\.(\d+))?([a-zA-Z%])?$/u.exec(source);
  if (!match) throw valueError(`Invalid format specifier '${source.slice(0, 60)}'`);
  const [, fill, given, sign = "-", , alternate, zero, width = "0", grouping = "", precision, type = ""] = match;
  const places = precision === undefined ? undefined : Number(precision);
  if ((places ?? 0) > mostPlaces && type !== "s" && type !== "") {
    throw valueError(`precision is at most ${mostPlaces} in chat templates`);
  }
  return {
    fill: fill ?? (zero && !given ? "0" : " "),
    align: given ?? (zero && align === ">" ? "=" : align),
    sign,
    alternate: alternate !== undefined,
    width: Number(width),
    grouping,
    precision: places,
    type,
  };
}

function formatText(runtime: Runtime, text: string, spec: Spec): string {
  if (spec.type !== "" && spec.type !== "s") throw unknown(spec.type, "str");
  if (spec.sign !== "-") throw valueError("Sign not allowed in string format specifier");
  if (spec.align === "=") throw valueError("'=' alignment not allowed in string format specifier");
  if (spec.grouping) throw valueError(`Cannot specify '${spec.grouping}' with 's'.`);
  const cut = spec.precision === undefined ? text : sliceOf(runtime, text, 0, spec.precision);
  return padded(runtime, "", cut, spec);
}

const radixes: { readonly [type: string]: number } = { b: 2, o: 8, x: 16, X: 16, d: 10, n: 10, "": 10 };

function formatWhole(runtime: Runtime, value: number | bigint | boolean, spec: Spec): string {
  const { type } = spec;
  if (type !== "" && "eEfFgG%".includes(type)) return formatFloat(runtime, Number(value), spec);
  if (spec.precision !== undefined) throw valueError("Precision not allowed in integer format specifier");
  const whole = typeof value === "boolean" ? +value : value;
  if (type === "c") {
    if (whole < 0 || whole > 0x10ffff) throw valueError("%c arg not in range(0x110000)");
    return padded(runtime, "", String.fromCodePoint(Number(whole)), { ...spec, align: spec.align === "=" ? "<" : spec.align });
  }
  const radix = radixes[type];
  if (radix === undefined) throw unknown(type, "int");
  const digits = wholeDigits(runtime, whole, radix);
  const prefix = spec.alternate && radix !== 10 ? `0${type}` : "";
  const body = type === "X" ? digits.toUpperCase() : digits;
  return numberText(runtime, signOf(whole < 0, spec) + prefix, body, "", spec, radix === 10 ? 3 : 4);
}

function formatFloat(runtime: Runtime, value: number, spec: Spec): string {
  const { type, precision } = spec;
  if (type !== "" && !"eEfFgGn%".includes(type)) throw unknown(type, "float");
  const conversion = type === "n" ? "g" : type;
  const text = type === "" ? plainFloat(value, precision) : floatDigits(value, conversion, precision ?? 6, spec.alternate);
  const [whole, rest] = /^\d+/.test(text) ? split(text) : [text, ""];
  return numberText(runtime, signOf(value < 0 || Object.is(value, -0), spec), whole, rest, spec, 3);
}

function split(text: string): [string, string] {
  const whole = (/^\d+/.exec(text) as RegExpExecArray)[0];
  return [whole, text.slice(whole.length)];
}

function signOf(negative: boolean, { sign }: Spec): string {
  return negative ? "-" : sign === "-" ? "" : sign;
}

/** Zeros that fill a number are grouped with its digits, as Python does it. */
function numberText(runtime: Runtime, sign: string, digits: string, rest: string, spec: Spec, every: number): string {
  if (!spec.grouping) return padded(runtime, sign, digits + rest, spec);
  let body = digits;
  if (spec.align === "=" && spec.fill === "0") {
    runtime.budget.text(spec.width);
    const room = spec.width - sign.length - rest.length;
    const whole = Math.floor(room / (every + 1)) * every + (room % (every + 1));
    body = digits.padStart(room % (every + 1) === 0 ? whole + 1 : whole, "0");
  }
  return padded(runtime, sign, grouped(body, spec.grouping, every) + rest, spec);
}

function padded(runtime: Runtime, sign: string, body: string, { fill, align, width }: Spec): string {
  const missing = width - lengthOf(runtime, body) - sign.length;
  if (missing <= 0) return sign + body;
  runtime.budget.text(missing + body.length);
  if (align === "=") return sign + fill.repeat(missing) + body;
  if (align === "<") return sign + body + fill.repeat(missing);
  if (align === ">") return fill.repeat(missing) + sign + body;
  const left = Math.floor(missing / 2);
  return fill.repeat(left) + sign + body + fill.repeat(missing - left);
}

function unknown(type: string, of: string) {
  return valueError(`Unknown format code '${type}' for object of type '${of}'`);
}
