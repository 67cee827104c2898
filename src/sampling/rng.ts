import { seededState } from "./mersenne-twister.ts";
import type { RandomStream } from "./random-stream.ts";
import { checkSeed } from "./seed.ts";

/**
 * torch's CPU generator as a stream.
 *
 * @param seed as in `torch.manual_seed`: its low 32 bits count
 */
export function torchStream(seed: number): RandomStream {
  return { kind: "torch", state: seededState(seed), place: 0 };
}

/** A stream that is lent to one call. The call says with `release` how many words it has used. */
export interface RandomLease {
  readonly stream: RandomStream;
  release(words: number): void;
}

/** A generator that calls use one after the other. Each starts where the one before ended, as in Python. */
export class RandomGenerator {
  readonly #state: Int32Array;
  #place = 0;
  #queue: Promise<void> = Promise.resolve();

  constructor(seed: number) {
    this.#state = seededState(seed);
  }

  /** Skips words behind the calls that came before, and before those to come. It does not wait. */
  skip(words: number): void {
    this.#queue = this.#queue.then(() => {
      this.#place += words;
    });
  }

  /** Waits for earlier calls to end, then lends the stream. The caller must call `release`, even after a failure. */
  async lease(): Promise<RandomLease> {
    const before = this.#queue;
    let open = () => {};
    this.#queue = new Promise((resolve) => {
      open = resolve;
    });
    await before;
    return {
      stream: { kind: "torch", state: this.#state, place: this.#place },
      release: (words) => {
        this.#place += words;
        open();
      },
    };
  }
}

/** The generator of `setSeed`; undefined while nothing is seeded. */
export function sharedGenerator(): RandomGenerator | undefined {
  return globalGenerator;
}

let globalGenerator: RandomGenerator | undefined;

/**
 * Seeds the generator that sampled calls without their own `seed` use, like `transformers.set_seed`: the same seed and
 * the same calls give the same tokens. Calls that share it run one after the other. Without it every call is random.
 *
 * @param seed a whole number, 0 ≤ seed < 2³²
 *
 * @example
 * ```ts
 * setSeed(0);
 * const { sequences } = await model.generate({ inputIds: [[1, 2]], doSample: true, maxNewTokens: 5 });
 * ```
 */
export function setSeed(seed: number): void {
  globalGenerator = new RandomGenerator(checkSeed(seed, "setSeed"));
}

/** Lends the stream a call draws from: its own seed, else the generator of `setSeed`, else a random one. */
export async function leaseRandom(seed: number | undefined): Promise<RandomLease> {
  if (seed === undefined && globalGenerator) return globalGenerator.lease();
  const own = seed ?? globalThis.crypto.getRandomValues(new Uint32Array(1))[0]!;
  return { stream: torchStream(own), release: () => {} };
}
