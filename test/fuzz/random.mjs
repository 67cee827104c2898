/**
 * A small seeded generator (mulberry32): a case is known by its number and the run's seed.
 *
 * @param {number} seed
 */
export function seededRandom(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
  /** A whole number from 0 to `count` - 1. */
  const below = (count) => Math.floor(next() * count);
  return { next, below, chance: (part) => next() < part, pick: (values) => values[below(values.length)] };
}

/** @typedef {ReturnType<typeof seededRandom>} Random */
