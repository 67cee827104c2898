import { erf } from "../ops/activation-kinds.ts";

/**
 * How many standard deviations above the mean the part `part` of a normal distribution ends, for 0 < part < 1; argument and
 * result in float32, as torch's `Normal(0, 1).icdf`.
 */
export function normalQuantile(part: number): number {
  const target = Math.fround(2 * Math.fround(part) - 1);
  // Newton's steps towards erf(x) = |target|: erf is concave there, so that they come from below and never pass it
  let x = 0;
  for (let step = 0; step < 200; step++) {
    const next = x + ((Math.abs(target) - erf(x)) * Math.sqrt(Math.PI) * Math.exp(x * x)) / 2;
    if (!(next > x)) break;
    x = next;
  }
  return Math.fround(Math.sign(target) * x * Math.SQRT2);
}
