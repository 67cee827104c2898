const ln2High = 0.6931471803691238; // the upper 32 bits of ln 2, so that a product with a small integer is exact
const ln2Low = 1.9082149292705877e-10;

const powers = Float64Array.from({ length: 55 }, (_, exponent) => 2 ** exponent);

/**
 * −log(n / 2⁵³) for a whole 0 < n ≤ 2⁵³: `−log1p(−u)` for u = 1 − n / 2⁵³, where the subtraction is exact.
 *
 * This is code of our own, because each JavaScript engine decides how accurate its `Math.log` and `Math.log1p` are. The
 * argument is split into m · 2ᵉ with √½ ≤ m < √2, and log m = 2 artanh((m − 1) / (m + 1)) is summed as a series. The error is
 * within 2 units of the last place of a float64, far below what a rounding to float32 keeps.
 */
export function negativeLog(n: number): number {
  const high = Math.floor(n / 4294967296);
  const bits = high > 0 ? 64 - Math.clz32(high) : 32 - Math.clz32(n);
  let mantissa = n / powers[bits]!; // ½ ≤ mantissa < 1
  let exponent = bits - 53;
  if (mantissa < Math.SQRT1_2) {
    mantissa *= 2;
    exponent--;
  }
  const s = (mantissa - 1) / (mantissa + 1);
  const z = s * s; // at most 0.0295: terms from z¹² on are below the last place
  let tail = 0;
  for (let k = 23; k >= 3; k -= 2) tail = z * (1 / k + tail);
  return -(exponent * ln2High + (2 * s + (2 * s * tail + exponent * ln2Low)));
}
