/**
 * Slopes of ALiBi for each head, as Bloom and Falcon compute them: 2^(−8 · i / n) for the largest power of two n that
 * fits; heads beyond it take every other slope of twice as many. Source: Press et al. 2022, "Train Short, Test Long".
 */
export function alibiSlopes(heads: number): number[] {
  const power = 2 ** Math.floor(Math.log2(heads));
  const of = (count: number, exponent: number) => Math.fround(Math.fround(2 ** (-8 / count)) ** exponent);
  const first = Array.from({ length: power }, (_, i) => of(power, i + 1));
  const rest = Array.from({ length: heads - power }, (_, i) => of(2 * power, 2 * i + 1));
  return [...first, ...rest];
}

/**
 * The same as MPT computes them, with 2^(−greatest · i / n) for the least power of two n that is enough; when that is
 * more than there are heads, those of odd places come first.
 */
export function alibiSlopesOfMpt(heads: number, greatest: number): number[] {
  const power = 2 ** Math.ceil(Math.log2(heads));
  const all = Array.from({ length: power }, (_, i) => Math.fround(1 / Math.fround(2 ** (((i + 1) * greatest) / power))));
  if (power === heads) return all;
  return [...all.filter((_, i) => i % 2 === 1), ...all.filter((_, i) => i % 2 === 0)].slice(0, heads);
}
