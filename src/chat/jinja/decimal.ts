/** A finite float as sign, whole number and power of two: value = sign · mantissa · 2^exponent. */
function parts(value: number): { mantissa: bigint; exponent: number } {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, Math.abs(value));
  const bits = view.getBigUint64(0);
  const exponent = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & 0xfffffffffffffn;
  if (exponent === 0) return { mantissa: fraction, exponent: -1074 };
  return { mantissa: fraction | 0x10000000000000n, exponent: exponent - 1075 };
}

/** numerator / denominator to the nearest whole number, halves to the even one. */
function nearest(numerator: bigint, denominator: bigint): bigint {
  const quotient = numerator / denominator;
  const twice = 2n * (numerator - quotient * denominator);
  return twice > denominator || (twice === denominator && (quotient & 1n) === 1n) ? quotient + 1n : quotient;
}

/** |value| · 10^places as a whole number, exactly rounded, halves to even. */
function scaled(value: number, places: number): bigint {
  const { mantissa, exponent } = parts(value);
  let numerator = mantissa;
  let denominator = 1n;
  if (exponent >= 0) numerator <<= BigInt(exponent);
  else denominator <<= BigInt(-exponent);
  if (places >= 0) numerator *= 10n ** BigInt(places);
  else denominator *= 10n ** BigInt(-places);
  return nearest(numerator, denominator);
}

/** A finite float with so many places, without a sign, as C's `%.*f`. */
export function fixed(value: number, places: number): string {
  const digits = scaled(value, places)
    .toString()
    .padStart(places + 1, "0");
  return places === 0 ? digits : `${digits.slice(0, -places)}.${digits.slice(-places)}`;
}

/** Digits and power of ten of a finite float, d.ddd · 10^exponent, with `places` digits behind the point. */
function exponentDigits(value: number, places: number): { digits: string; exponent: number } {
  if (value === 0) return { digits: "0".repeat(places + 1), exponent: 0 };
  let exponent = Math.floor(Math.log10(Math.abs(value)));
  for (;;) {
    const digits = scaled(value, places - exponent).toString();
    if (digits.length === places + 1) return { digits, exponent };
    exponent += digits.length > places + 1 ? 1 : -1;
  }
}

const exponentText = (exponent: number) => `e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;

/** A finite float as C's `%.*e`, without a sign. */
export function exponential(value: number, places: number, keepPoint = false): string {
  const { digits, exponent } = exponentDigits(value, places);
  const point = places > 0 || keepPoint ? "." : "";
  return `${digits[0]}${point}${digits.slice(1)}${exponentText(exponent)}`;
}

/**
 * A finite float as C's `%.*g`, without a sign: so many significant digits, trailing zeros dropped. `alternate` keeps them;
 * `floatForm` writes at least one digit behind the point, as `str(float)` does.
 */
export function general(value: number, precision: number, alternate = false, floatForm = false): string {
  const significant = Math.max(1, precision);
  const { digits, exponent } = exponentDigits(value, significant - 1);
  const short = (text: string) => (alternate || !text.includes(".") ? text : text.replace(/\.?0+$/, ""));
  if (exponent < -4 || exponent >= (floatForm ? significant - 1 : significant)) {
    const whole = significant > 1 ? `${digits[0]}.${digits.slice(1)}` : (digits[0] as string);
    return `${short(whole)}${exponentText(exponent)}`;
  }
  const text = short(fixed(value, Math.max(0, significant - 1 - exponent)));
  return floatForm && !text.includes(".") ? `${text}.0` : text;
}

/** `round(value, places)` of a finite float: exactly rounded, halves to even. */
export function rounded(value: number, places: number): number {
  if (places > 330) return value;
  if (places < -330) return value < 0 ? -0 : 0;
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  if (places >= 0) return Number(`${sign}${fixed(value, places)}`);
  return Number(`${sign}${scaled(value, places)}e${-places}`);
}

/** `repr(float)`: the shortest digits that give the same float back. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  const size = Math.abs(value);
  if (Object.is(value, -0)) return "-0.0";
  if (size === 0 || (size >= 1e-4 && size < 1e16)) {
    const text = String(value); // JavaScript has no exponent from 1e-6 to 1e21
    return text.includes(".") ? text : `${text}.0`;
  }
  const [digits, exponent] = value.toExponential().split("e") as [string, string];
  return `${digits}${exponentText(Number(exponent))}`;
}
