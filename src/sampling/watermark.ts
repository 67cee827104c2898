import { MersenneTwister, seededState } from "./mersenne-twister.ts";

/** Settings of a KGW watermark (Kirchenbauer et al., 2023), those of transformers' WatermarkingConfig. */
export interface WatermarkingConfig {
  /** The share of the vocabulary that is favoured at each step: above 0 and below 1. Default 0.25. */
  greenlistRatio: number;
  /** Added to the scores of favoured tokens. Default 2. */
  bias: number;
  /** The secret. Default 15485863. */
  hashingKey: number;
  /** What chooses the favoured tokens: the tokens before ("lefthash", the default), or the new one too ("selfhash"). */
  seedingScheme: "lefthash" | "selfhash";
  /** How many tokens before the new one choose. Default 1. */
  contextWidth: number;
}

/** transformers' defaults. */
export const watermarkDefaults: WatermarkingConfig = {
  greenlistRatio: 0.25,
  bias: 2,
  hashingKey: 15485863,
  seedingScheme: "lefthash",
  contextWidth: 1,
};

const tableSize = 1000003;
const remembered = 128;

/** The favoured ("green") tokens behind a context, exactly those of transformers on the CPU. */
export class Greenlist {
  readonly #config: WatermarkingConfig;
  readonly #vocabularySize: number;
  readonly #size: number;
  /** "selfhash" only. */
  readonly #table: Int32Array | undefined;
  readonly #lists = new Map<number, Int32Array>();

  constructor(config: WatermarkingConfig, vocabularySize: number) {
    this.#config = config;
    this.#vocabularySize = vocabularySize;
    this.#size = Math.trunc(vocabularySize * config.greenlistRatio);
    if (config.seedingScheme === "selfhash") this.#table = fixedTable(config.hashingKey);
  }

  /** Green tokens behind `context`, of which the last `contextWidth` tokens count. */
  tokens(context: readonly number[]): Int32Array {
    const seed = this.#seed(context);
    let list = this.#lists.get(seed);
    if (!list) {
      list = permutation(this.#vocabularySize, seed, this.#size);
      if (this.#lists.size >= remembered) this.#lists.delete(this.#lists.keys().next().value as number);
      this.#lists.set(seed, list);
    }
    return list;
  }

  /** The low 32 bits of the seed of torch's generator. MT19937 takes no more. */
  #seed(context: readonly number[]): number {
    const key = BigInt(this.#config.hashingKey);
    const last = context.at(-1)!;
    if (!this.#table) return low32(key * BigInt(last));
    const table = this.#table;
    const entry = (token: number) => BigInt(table[token % tableSize]! + 1);
    const products = context
      .slice(-this.#config.contextWidth)
      .map((token) => BigInt.asIntN(64, key * entry(token) * entry(last))); // int64, as in torch
    return low32(products.reduce((least, product) => (product < least ? product : least)));
  }
}

/** Python's `seed % (2**64 - 1)`, low 32 bits. */
function low32(seed: bigint): number {
  const modulus = 2n ** 64n - 1n;
  return Number(BigInt.asUintN(32, ((seed % modulus) + modulus) % modulus));
}

/** The first `count` entries of `torch.randperm(size)`. */
export function permutation(size: number, seed: number, count = size): Int32Array {
  const words = new MersenneTwister(seededState(seed));
  const order = Int32Array.from({ length: size }, (_, i) => i);
  for (let i = 0; i < Math.min(count, size - 1); i++) {
    const other = i + (words.word(i) % (size - i));
    const value = order[i]!;
    order[i] = order[other]!;
    order[other] = value;
  }
  return order.slice(0, count);
}

const tables = new Map<number, Int32Array>();

/** A million entries that depend on the key alone. They are made once. */
function fixedTable(hashingKey: number): Int32Array {
  let table = tables.get(hashingKey);
  if (!table) {
    table = permutation(tableSize, low32(BigInt(hashingKey)));
    tables.set(hashingKey, table);
  }
  return table;
}
