/**
 * The value of the `count`-th greatest entry, where 1 is the greatest; −infinity when fewer entries are above it. Small counts
 * use a heap of `count` entries, others a sorted copy.
 */
export function kthGreatest(scores: Float32Array, count: number): number {
  if (count > 256) {
    const sorted = scores.slice().sort();
    let end = sorted.length;
    while (end > 0 && Number.isNaN(sorted[end - 1]!)) end--;
    return end >= count ? sorted[end - count]! : -Infinity;
  }
  const heap = new Float32Array(count).fill(-Infinity);
  for (let i = 0; i < scores.length; i++) {
    const value = scores[i]!;
    if (!(value > heap[0]!)) continue;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= count) break;
      if (child + 1 < count && heap[child + 1]! < heap[child]!) child++;
      if (heap[child]! >= value) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = value;
  }
  return heap[0]!;
}

/** Indices of the entries that are not −infinity, in order. */
export function survivors(scores: Float32Array): Int32Array {
  let count = 0;
  for (let i = 0; i < scores.length; i++) if (scores[i] !== -Infinity) count++;
  const result = new Int32Array(count);
  let at = 0;
  for (let i = 0; i < scores.length; i++) if (scores[i] !== -Infinity) result[at++] = i;
  return result;
}

/** The entries that are not −infinity, in order. */
export function finiteValues(scores: Float32Array): Float32Array {
  const result = new Float32Array(scores.length);
  let count = 0;
  for (let i = 0; i < scores.length; i++) if (scores[i] !== -Infinity) result[count++] = scores[i]!;
  return result.subarray(0, count);
}

/** Index of the first of the greatest entries; a NaN counts as greatest, as in torch. */
export function firstGreatest(scores: Float32Array): number {
  let best = 0;
  let value = scores[0]!;
  for (let i = 0; i < scores.length; i++) {
    const candidate = scores[i]!;
    if (Number.isNaN(candidate)) return i;
    if (candidate > value) {
      value = candidate;
      best = i;
    }
  }
  return best;
}
