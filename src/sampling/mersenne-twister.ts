const stateWords = 624;
const shiftWords = 397;

/**
 * The state of MT19937 right after it was seeded, as `torch.manual_seed` leaves it.
 *
 * @param seed only its low 32 bits count, as in torch
 */
export function seededState(seed: number): Int32Array {
  const state = new Int32Array(stateWords);
  state[0] = seed % 2 ** 32;
  for (let i = 1; i < stateWords; i++) {
    const before = state[i - 1]!;
    state[i] = Math.imul(1812433253, before ^ (before >>> 30)) + i;
  }
  return state;
}

const known = new WeakMap<Int32Array, MersenneTwister>();

/** The words behind a seeded state. They are remembered with the state, which must not change. */
export function wordsOf(state: Int32Array): MersenneTwister {
  let words = known.get(state);
  if (!words) {
    words = new MersenneTwister(state);
    known.set(state, words);
  }
  return words;
}

/**
 * MT19937 (Matsumoto and Nishimura, 1998), the generator behind torch on the CPU, as a random-access sequence of
 * 32-bit words. It remembers snapshots of its state (at most about 1,000, 2.5 kB each) so that going back is cheap.
 *
 * @example
 * ```ts
 * const words = new MersenneTwister(seededState(5489));
 * words.word(0); // 3499211612
 * ```
 */
export class MersenneTwister {
  readonly #start: Int32Array;
  #state: Int32Array;
  /** Which block of 624 words `#state` holds. */
  #block = 0;
  #stride = 8;
  readonly #snapshots = new Map<number, Int32Array>();

  /** @param seeded a state right after seeding; it is copied */
  constructor(seeded: Int32Array) {
    const state = seeded.slice();
    twist(state);
    this.#start = state.slice();
    this.#state = state;
  }

  /** Word number `place` of the sequence, 0 ≤ place < 2⁵³. */
  word(place: number): number {
    const block = Math.floor(place / stateWords);
    if (block !== this.#block) this.#seek(block);
    let value = this.#state[place - block * stateWords]!;
    value ^= value >>> 11;
    value ^= (value << 7) & 0x9d2c5680;
    value ^= (value << 15) & 0xefc60000;
    return (value ^ (value >>> 18)) >>> 0;
  }

  #seek(block: number): void {
    let from = block - (block % this.#stride);
    while (from > 0 && !this.#snapshots.has(from)) from -= this.#stride;
    if (block < this.#block || from > this.#block) {
      this.#state = (this.#snapshots.get(from) ?? this.#start).slice();
      this.#block = from;
    }
    while (this.#block < block) {
      twist(this.#state);
      this.#block++;
      if (this.#block % this.#stride === 0 && !this.#snapshots.has(this.#block)) this.#remember();
    }
  }

  #remember(): void {
    this.#snapshots.set(this.#block, this.#state.slice());
    if (this.#snapshots.size <= 1024) return;
    this.#stride *= 2;
    for (const block of this.#snapshots.keys()) if (block % this.#stride !== 0) this.#snapshots.delete(block);
  }
}

/** The next 624 words, in place. Signed words, because engines keep those in registers. */
function twist(state: Int32Array): void {
  const turn = stateWords - shiftWords;
  let word = state[0]!;
  for (let i = 0; i < turn; i++) {
    const next = state[i + 1]!;
    state[i] = state[i + shiftWords]! ^ mix(word, next);
    word = next;
  }
  for (let i = turn; i < stateWords - 1; i++) {
    const next = state[i + 1]!;
    state[i] = state[i - turn]! ^ mix(word, next);
    word = next;
  }
  state[stateWords - 1] = state[shiftWords - 1]! ^ mix(word, state[0]!);
}

function mix(word: number, next: number): number {
  return (((word & -0x80000000) | (next & 0x7fffffff)) >>> 1) ^ (-(next & 1) & 0x9908b0df);
}
