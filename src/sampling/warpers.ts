import { exponential, logarithm } from "./exponential.ts";
import { LaneSums } from "./lane-sums.ts";
import { finiteValues, kthGreatest, survivors } from "./select.ts";
import { logSoftmax, maximum, softmax } from "./softmax.ts";
import type { WarperName } from "./step.ts";
import { torchTopK } from "./torch-top-k.ts";

const { fround, sqrt } = Math;

/** A warper changes a row in place. `keep` is `minTokensToKeep`. */
type Warper = (scores: Float32Array, value: number, keep: number) => void;

/**
 * The warpers of `transformers`, in float32 as torch computes them on the CPU (sums in float64, each result rounded), and
 * those of llama.cpp: `topNSigma`, `xtc`.
 */
export const warpers: Record<WarperName, Warper> = {
  temperature(scores, value) {
    const divisor = fround(value);
    for (let i = 0; i < scores.length; i++) scores[i] = scores[i]! / divisor;
  },

  /** Keeps scores within `value` standard deviations of the greatest. Banned tokens (−infinity) do not count. */
  topNSigma(scores, value) {
    let count = 0;
    const sum = new LaneSums();
    for (let i = 0; i < scores.length; i++) {
      if (scores[i] === -Infinity) continue;
      count++;
      sum.add(i, scores[i]!);
    }
    const mean = sum.total() / count;
    const squares = new LaneSums();
    for (let i = 0; i < scores.length; i++) {
      const distance = scores[i]! - mean;
      if (scores[i] !== -Infinity) squares.add(i, distance * distance);
    }
    const limit = maximum(scores) - value * sqrt(squares.total() / count);
    for (let i = 0; i < scores.length; i++) if (scores[i]! < limit) scores[i] = -Infinity;
  },

  /** Drops what is below the k-th greatest score. All that tie with it survive. */
  topK(scores, value, keep) {
    const limit = kthGreatest(scores, Math.min(Math.max(value, keep), scores.length));
    for (let i = 0; i < scores.length; i++) if (scores[i]! < limit) scores[i] = -Infinity;
  },

  /** Drops the least probable tokens whose probabilities add up to at most 1 − p. */
  topP(scores, value, keep) {
    // Sorted by value alone, which is much faster than by index; among equals the lower index goes first.
    const sorted = finiteValues(scores).sort();
    const probabilities = finiteProbabilities(scores).sort(); // a greater score is never less probable
    const limit = fround(1 - value);
    const last = sorted.length - keep;
    let dropped = 0;
    let sum = 0;
    while (dropped < last) {
      sum += probabilities[dropped]!;
      if (fround(sum) > limit) break;
      dropped++;
    }
    if (dropped <= 0) return;
    const border = sorted[dropped]!;
    let equals = dropped - sorted.indexOf(border);
    for (let i = 0; i < scores.length; i++) {
      if (scores[i]! < border || (scores[i] === border && equals-- > 0)) scores[i] = -Infinity;
    }
  },

  minP(scores, value, keep) {
    const probabilities = softmax(scores);
    const limit = fround(fround(value) * maximum(probabilities));
    const kept = new Set(torchTopK(probabilities, keep)); // exactly this many, without those that tie with them
    for (let i = 0; i < scores.length; i++) if (probabilities[i]! < limit && !kept.has(i)) scores[i] = -Infinity;
  },

  /** Keeps the tokens whose information is nearest to the row's entropy, up to a mass of `value`. */
  typicalP(scores, value, keep) {
    const normalised = scores.slice();
    logSoftmax(normalised);
    const sum = new LaneSums();
    for (let i = 0; i < normalised.length; i++) {
      if (normalised[i] !== -Infinity) sum.add(i, fround(normalised[i]! * fround(exponential(normalised[i]!))));
    }
    const entropy = fround(-sum.total());
    const distance = new Float32Array(scores.length);
    for (let i = 0; i < scores.length; i++) distance[i] = Math.abs(fround(-normalised[i]! - entropy));
    const { order, cumulative } = ascending(distance, scores);
    let last = 0;
    while (last < order.length - 1 && cumulative[last]! < fround(value)) last++;
    const limit = distance[order[last]!]!;
    for (let i = keep; i < order.length; i++) if (distance[order[i]!]! > limit) scores[order[i]!] = -Infinity;
  },

  epsilonCutoff(scores, value, keep) {
    dropImprobable(scores, softmax(scores), fround(value), keep);
  },

  etaCutoff(scores, value, keep) {
    const probabilities = softmax(scores);
    const normalised = scores.slice();
    logSoftmax(normalised);
    const sum = new LaneSums();
    for (let i = 0; i < scores.length; i++) {
      if (probabilities[i] !== 0) sum.add(i, fround(normalised[i]! * probabilities[i]!));
    }
    const epsilon = fround(value);
    const limit = Math.min(epsilon, fround(fround(sqrt(epsilon)) * fround(exponential(fround(sum.total())))));
    dropImprobable(scores, probabilities, limit, keep);
  },

  /** Keeps, of the best 100, the longest head whose entropy stays within `value` of theirs. The best always stays. */
  topH(scores, value) {
    const best = torchTopK(scores, Math.min(100, scores.length)).filter((i) => scores[i] !== -Infinity);
    const probabilities = softmax(Float32Array.from(best, (i) => scores[i]!));
    // a probability that is 0 in float32 ends the head: torch's 0 · log 0 is NaN
    const terms = probabilities.map((p) => (p > 0 ? -p * fround(logarithm(p)) : Number.NaN));
    const threshold = fround(terms.reduce((sum, term) => sum + (term || 0), 0) * value);
    const kept = new Map<number, number>();
    let entropy = 0;
    for (let i = 0; i < best.length; i++) {
      entropy += terms[i]!;
      if (i > 0 && !(fround(entropy) <= threshold)) break;
      kept.set(best[i]!, scores[best[i]!]!);
    }
    scores.fill(-Infinity);
    for (const [token, score] of kept) scores[token] = score;
  },

  /** Drops the tokens that have a probability of at least `value`, except the least likely of them. */
  xtc(scores, value, keep) {
    const probabilities = softmax(scores);
    const top: number[] = [];
    let rest = 0;
    for (let i = 0; i < scores.length; i++) {
      if (probabilities[i]! >= value) top.push(i);
      else if (scores[i] !== -Infinity) rest++;
    }
    top.sort((a, b) => scores[b]! - scores[a]! || a - b);
    const excluded = top.slice(0, -1);
    if (rest + top.length - excluded.length < keep) return;
    for (const token of excluded) scores[token] = -Infinity;
  },
};

/** The probabilities of the entries that are not −infinity, in order. */
function finiteProbabilities(scores: Float32Array): Float32Array {
  const probabilities = softmax(scores);
  return Float32Array.from(survivors(scores), (i) => probabilities[i]!);
}

/** Drops tokens less probable than `limit`, except those among the greatest `keep`. */
function dropImprobable(scores: Float32Array, probabilities: Float32Array, limit: number, keep: number): void {
  const kept = kthGreatest(scores, Math.min(keep, scores.length));
  for (let i = 0; i < scores.length; i++) if (probabilities[i]! < limit && scores[i]! < kept) scores[i] = -Infinity;
}

/**
 * Survivors of `scores` in ascending order of `keys` (stable), with the running sum of their probabilities.
 * Dropped tokens carry no probability and would change nothing.
 */
function ascending(keys: Float32Array, scores: Float32Array): { order: Int32Array; cumulative: Float32Array } {
  const order = survivors(scores).sort((a, b) => keys[a]! - keys[b]! || a - b);
  const probabilities = softmax(scores);
  const cumulative = new Float32Array(order.length);
  let sum = 0;
  for (let i = 0; i < order.length; i++) {
    sum += probabilities[order[i]!]!;
    cumulative[i] = sum;
  }
  return { order, cumulative };
}
