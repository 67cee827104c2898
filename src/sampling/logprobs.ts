import type { PickLogprobs } from "./group.ts";
import { logSumExp } from "./softmax.ts";

/**
 * Log probabilities of picks under raw logits.
 *
 * @param raw [rows][vocabulary] raw logits
 * @param rows [picks] which row each pick belongs to
 * @param tokens [picks]
 * @param count how many of the likeliest tokens to report
 */
export function pickLogprobs(
  raw: readonly Float32Array[],
  { rows, tokens }: { rows: Int32Array; tokens: Int32Array },
  count: number,
): PickLogprobs {
  const n = Math.min(count, raw[0]!.length);
  const totals = raw.map(logSumExp);
  const likeliest = raw.map((logits) => greatest(logits, n));
  const result = {
    picked: Float32Array.from(rows, (row, pick) => raw[row]![tokens[pick]!]! - totals[row]!),
    tokens: new Int32Array(rows.length * n),
    values: new Float32Array(rows.length * n),
  };
  rows.forEach((row, pick) => {
    result.tokens.set(likeliest[row]!, pick * n);
    likeliest[row]!.forEach((token, place) => {
      result.values[pick * n + place] = raw[row]![token]! - totals[row]!;
    });
  });
  return result;
}

/** Indices of the greatest `count` values, greatest first, and among equals the lower index first. NaN counts as least. */
export function greatest(values: Float32Array, count: number): Int32Array {
  if (count > 128)
    return Int32Array.from(values.keys())
      .sort((a, b) => compare(values[a]!, values[b]!) || a - b)
      .slice(0, count);
  const best = new Int32Array(Math.min(count, values.length));
  let held = 0;
  for (let i = 0; i < values.length && best.length > 0; i++) {
    const value = values[i]!;
    if (held === best.length && !isBefore(value, values[best[held - 1]!]!)) continue;
    let at = held < best.length ? held++ : held - 1;
    for (; at > 0 && isBefore(value, values[best[at - 1]!]!); at--) best[at] = best[at - 1]!;
    best[at] = i;
  }
  return best;
}

function compare(x: number, y: number): number {
  return isBefore(x, y) ? -1 : isBefore(y, x) ? 1 : 0;
}

function isBefore(x: number, y: number): boolean {
  return x > y || (Number.isNaN(y) && !Number.isNaN(x));
}
