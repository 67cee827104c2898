const powersOfTwo = Float64Array.of(
  1,
  1.0442737824274138,
  1.0905077326652577,
  1.1387886347566916,
  1.189207115002721,
  1.241857812073484,
  1.2968395546510096,
  1.3542555469368927,
  Math.SQRT2,
  1.4768261459394993,
  1.5422108254079407,
  1.6104903319492543,
  1.681792830507429,
  1.7562521603732995,
  1.8340080864093424,
  1.9152065613971474,
); // 2^(j/16)
const perUnit = 23.083120654223414; // 16 / ln 2
const unitHigh = 0.6931471803691238 / 16; // the upper 32 bits of ln 2 / 16, so that a product with a small integer is exact
const unitLow = 1.9082149292705877e-10 / 16;
const rounding = 6755399441055744; // 1.5 · 2⁵²: what is added to it is rounded to a whole number

const split = new Float64Array(1);
const words = new Int32Array(split.buffer);
const ln2High = 0.6931471803691238;
const ln2Low = 1.9082149292705877e-10;

/**
 * eˣ for x ≤ 709, within 2 units of the last place of a float64; 0 below −708.
 *
 * This is code of our own, because each JavaScript engine decides how accurate its `Math.exp` is, and native sampling gives the
 * same scores to the bit. x is split into (16 m + j) · ln 2 / 16 + r, so that eˣ = 2ᵐ · 2^(j/16) · eʳ with |r| ≤ 0.0217, and eʳ is
 * summed as a series.
 */
export function exponential(x: number): number {
  if (x < -708) return 0;
  const units = x * perUnit + rounding - rounding;
  const r = x - units * unitHigh - units * unitLow;
  const tail = r * r * (1 / 2 + r * (1 / 6 + r * (1 / 24 + r * (1 / 120 + r * (1 / 720)))));
  const power = powersOfTwo[units & 15]!;
  words[0] = 0;
  words[1] = ((units >> 4) + 1023) << 20;
  return split[0]! * (power + power * (r + tail));
}

/** The natural logarithm of x > 0, within 2 units of the last place of a float64, for the same reason. */
export function logarithm(x: number): number {
  if (!(x > 0) || x === Infinity) return x === 0 ? -Infinity : x;
  split[0] = x;
  let exponent = (words[1]! >>> 20) - 1022;
  words[1] = (words[1]! & 0xfffff) | (1022 << 20);
  let mantissa = split[0]!; // ½ ≤ mantissa < 1
  if (mantissa < Math.SQRT1_2) {
    mantissa *= 2;
    exponent--;
  }
  const s = (mantissa - 1) / (mantissa + 1);
  const z = s * s;
  let tail = 0;
  for (let k = 23; k >= 3; k -= 2) tail = z * (1 / k + tail);
  return exponent * ln2High + (2 * s + (2 * s * tail + exponent * ln2Low));
}
