/** A small seeded generator (mulberry32), for tests that print their seed when they fail. */
export interface Seeded {
  /** 0 ≤ value < 1 */
  next(): number;
  /** Integer from `low` to `high`, both included. */
  integer(low: number, high: number): number;
  /** True with probability `chance`. */
  chance(chance: number): boolean;
  pick<T>(values: readonly T[]): T;
}

export function seeded(seed: number): Seeded {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    integer: (low, high) => low + Math.floor(next() * (high - low + 1)),
    chance: (chance) => next() < chance,
    pick: (values) => values[Math.floor(next() * values.length)] as (typeof values)[number],
  };
}
