/** When a buffer is first written and last read (indices of ops), and its size. */
export interface Lifetime {
  bytes: number;
  first: number;
  last: number;
}

/**
 * Chooses offsets for buffers in one arena, so that buffers whose lifetimes overlap do not overlap in memory. The greatest
 * comes first, and each gets the lowest place that is free. Offsets are multiples of 64. Most lifetimes are short, so that a buffer is held against those of the
 * few ops that it lives in, and the time is linear in the number of buffers.
 */
export function placeBuffers(lifetimes: readonly Lifetime[]): { offsets: number[]; bytes: number } {
  const offsets = new Array<number>(lifetimes.length).fill(0);
  const ends = new Array<number>(lifetimes.length).fill(0);
  /** The buffers that live in an op, of those placed so far. */
  const living: number[][] = [];
  const order = lifetimes.map((_, index) => index).sort((a, b) => lifetimes[b]!.bytes - lifetimes[a]!.bytes || a - b);
  let bytes = 0;
  for (const index of order) {
    const life = lifetimes[index]!;
    const size = Math.ceil(life.bytes / 64) * 64;
    if (size === 0) continue;
    const others = new Set<number>();
    for (let op = life.first; op <= life.last; op++) for (const other of living[op] ?? []) others.add(other);
    let start = 0;
    for (const other of [...others].sort((a, b) => offsets[a]! - offsets[b]!)) {
      if (start + size <= offsets[other]!) break;
      start = Math.max(start, ends[other]!);
    }
    offsets[index] = start;
    ends[index] = start + size;
    bytes = Math.max(bytes, start + size);
    for (let op = life.first; op <= life.last; op++) {
      const here = living[op];
      if (here) here.push(index);
      else living[op] = [index];
    }
  }
  return { offsets, bytes };
}
