const { fround, exp, log } = Math;

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
  let sum = 0;
  for (let i = 0; i < scores.length; i++) {
    if (scores[i] === -Infinity) continue;
    const value = fround(exp(fround(scores[i]! - greatest)));
    result[i] = value;
    sum += value;
  }
  const total = fround(sum);
  for (let i = 0; i < scores.length; i++) if (result[i] !== 0) result[i] = result[i]! / total;
  return result;
}

/** log(sum(exp(scores))) of a row, in float64. */
export function logSumExp(scores: Float32Array): number {
  const greatest = maximum(scores);
  if (greatest === -Infinity) return -Infinity;
  let sum = 0;
  for (let i = 0; i < scores.length; i++) if (scores[i] !== -Infinity) sum += exp(scores[i]! - greatest);
  return greatest + log(sum);
}

/** Replaces a row by its log probabilities: `scores − max − log(sum(exp(scores − max)))`, each stage in float32. */
export function logSoftmax(scores: Float32Array): void {
  const greatest = maximum(scores);
  let sum = 0;
  for (let i = 0; i < scores.length; i++) if (scores[i] !== -Infinity) sum += fround(exp(fround(scores[i]! - greatest)));
  const total = fround(log(sum));
  for (let i = 0; i < scores.length; i++) scores[i] = fround(scores[i]! - greatest) - total;
}
