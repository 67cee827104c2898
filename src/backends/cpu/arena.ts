/** When a buffer is first written and last read (indices of ops), and its size. */
export interface Lifetime {
  bytes: number;
  first: number;
  last: number;
}

/**
 * Offsets for buffers in one arena, so that buffers whose lifetimes overlap do not. Greatest first, each at the lowest
 * place that is free; offsets are multiples of 64.
 */
export function placeBuffers(lifetimes: readonly Lifetime[]): { offsets: number[]; bytes: number } {
  const offsets = new Array<number>(lifetimes.length).fill(0);
  const placed: { start: number; end: number; life: Lifetime }[] = [];
  const order = lifetimes.map((_, index) => index).sort((a, b) => lifetimes[b]!.bytes - lifetimes[a]!.bytes || a - b);
  let bytes = 0;
  for (const index of order) {
    const life = lifetimes[index]!;
    const size = Math.ceil(life.bytes / 64) * 64;
    const others = placed.filter((other) => other.life.first <= life.last && life.first <= other.life.last);
    others.sort((a, b) => a.start - b.start);
    let start = 0;
    for (const other of others) {
      if (start + size <= other.start) break;
      start = Math.max(start, other.end);
    }
    placed.push({ start, end: start + size, life });
    offsets[index] = start;
    bytes = Math.max(bytes, start + size);
  }
  return { offsets, bytes };
}
