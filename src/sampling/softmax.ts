import { exponential, logarithm } from "./exponential.ts";
import { LaneSums } from "./lane-sums.ts";

const { fround } = Math;

/** Greatest value of a row; −infinity for an empty one. NaN entries are skipped. */
export function maximum(scores: Float32Array): number {
  let greatest = -Infinity;
  for (let i = 0; i < scores.length; i++) if (scores[i]! > greatest) greatest = scores[i]!;
  return greatest;
}

/**
 * The probabilities of a row. Every stage is float32, as torch computes them on the CPU, but the sum is taken in float64:
 * torch's own order of summation depends on the instruction set, and this is within its rounding.
 */
export function softmax(scores: Float32Array): Float32Array {
  const greatest = maximum(scores);
  const result = new Float32Array(scores.length);
  const sum = new LaneSums();
  for (let i = 0; i < scores.length; i++) {
    if (scores[i] === -Infinity) continue;
    const value = fround(exponential(fround(scores[i]! - greatest)));
    result[i] = value;
    sum.add(i, value);
  }
  const total = fround(sum.total());
  for (let i = 0; i < scores.length; i++) if (result[i] !== 0) result[i] = result[i]! / total;
  return result;
}

/** log(sum(exp(scores))) of a row, in float64. */
export function logSumExp(scores: Float32Array): number {
  const greatest = maximum(scores);
  if (greatest === -Infinity) return -Infinity;
  const sum = new LaneSums();
  for (let i = 0; i < scores.length; i++) {
    if (scores[i] !== -Infinity) sum.add(i, exponential(scores[i]! - greatest));
  }
  return greatest + logarithm(sum.total());
}

/** Replaces a row by its log probabilities: `scores − max − log(sum(exp(scores − max)))`, each stage in float32. */
export function logSoftmax(scores: Float32Array): void {
  const greatest = maximum(scores);
  const sum = new LaneSums();
  for (let i = 0; i < scores.length; i++) {
    if (scores[i] !== -Infinity) sum.add(i, fround(exponential(fround(scores[i]! - greatest))));
  }
  const total = fround(logarithm(sum.total()));
  for (let i = 0; i < scores.length; i++) scores[i] = fround(scores[i]! - greatest) - total;
}
