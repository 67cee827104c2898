import { exponential, fixed, floatText, general } from "./decimal.ts";
import type { Runtime } from "./runtime.ts";

/** Most digits behind the point that a format may ask for. */
export const mostPlaces = 1000;

/** A float by a conversion of C or of Python's formats: e, f, g, E, F, G, %. Without a sign. */
export function floatDigits(value: number, conversion: string, precision: number, alternate: boolean): string {
  const lower = conversion.toLowerCase();
  const size = Math.abs(value);
  let text: string;
  if (Number.isNaN(value)) text = "nan";
  else if (size === Number.POSITIVE_INFINITY) text = "inf";
  else if (lower === "e") text = exponential(size, precision, alternate);
  else if (lower === "g") text = general(size, precision, alternate);
  else text = fixed(lower === "%" ? size * 100 : size, precision) + (alternate && precision === 0 ? "." : "");
  if (lower === "%") return `${text}%`;
  return conversion === lower ? text : text.toUpperCase();
}

/** A float as `format(value, ".Nr")` without a type: like g, with at least one digit behind the point. */
export function plainFloat(value: number, precision: number | undefined): string {
  const size = Math.abs(value);
  if (precision === undefined || !Number.isFinite(size)) return floatText(size);
  return general(size, precision, false, true);
}

/** A whole number's digits, without a sign. */
export function wholeDigits(runtime: Runtime, value: number | bigint, radix: number): string {
  const size = value < 0 ? -value : value;
  if (typeof size === "bigint") {
    const bits = size.toString(16).length * 4;
    if (radix === 10 && bits > 14_300) throw runtime.budget.refuse("an int of more than 4300 digits is turned into text");
    runtime.budget.spend(bits);
  }
  return size.toString(radix);
}

/** Digits in groups of `every`, from the right end of the whole part. */
export function grouped(digits: string, separator: string, every: number): string {
  let text = "";
  for (let end = digits.length; end > 0; end -= every) {
    const part = digits.slice(Math.max(0, end - every), end);
    text = text === "" ? part : `${part}${separator}${text}`;
  }
  return text;
}
