import type { RandomStream } from "./group.ts";
import { MersenneTwister } from "./mersenne-twister.ts";
import { negativeLog } from "./negative-log.ts";
import { checkSeed } from "./seed.ts";

/**
 * torch's CPU generator as a stream addressed by place: step i, row r of a batch of B rows (copies and finished rows
 * counted) starts 2 · V · (i · B + r) words on, whatever order the rows are drawn in.
 *
 * @param seed as in `torch.manual_seed`: its low 32 bits count
 * @param start words of the stream that earlier calls have used
 */
export function torchStream(seed: number | MersenneTwister, start = 0): RandomStream {
  const twister = typeof seed === "number" ? new MersenneTwister(seed) : seed;
  return {
    exponentials(offset, indices, out) {
      for (let i = 0; i < indices.length; i++) {
        const place = start + offset + 2 * indices[i]!;
        const high = twister.word(place) & 0x1fffff;
        const low = twister.word(place + 1);
        out[i] = negativeLog(9007199254740992 - (high * 4294967296 + low)); // float32 by the array
      }
    },
  };
}

/** A stream lent to one call: `release` says how many words the call has used. */
export interface RandomLease {
  readonly stream: RandomStream;
  release(words: number): void;
}

/** A generator that calls use one after the other: each starts where the one before ended, as in Python. */
export class RandomGenerator {
  readonly #twister: MersenneTwister;
  #place = 0;
  #queue: Promise<void> = Promise.resolve();

  constructor(seed: number) {
    this.#twister = new MersenneTwister(seed);
  }

  /** Passes over words, after the calls before and before those to come. Does not wait. */
  skip(words: number): void {
    this.#queue = this.#queue.then(() => {
      this.#place += words;
    });
  }

  /** Waits for earlier calls to end, then lends the stream. `release` must be called, also after a failure. */
  async lease(): Promise<RandomLease> {
    const before = this.#queue;
    let open = () => {};
    this.#queue = new Promise((resolve) => {
      open = resolve;
    });
    await before;
    return {
      stream: torchStream(this.#twister, this.#place),
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
