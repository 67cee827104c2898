import { MergeQueue } from "./merge-queue.ts";
import { PairTable } from "./pair-table.ts";
import { finished } from "./slices.ts";

/** Symbols after merging: their ids, and the index of the first of the symbols that each was made of. */
export interface Merged {
  ids: number[];
  firsts: number[];
}

/** Words of up to this many symbols are merged by looking at all pairs again and again, longer ones with a queue. */
const shortWord = 24;
/** Merges between two turns of the generator: of a word, and of the table. */
const sliceOfMerges = 4000;
const sliceOfRanks = 32_768;

/**
 * The merges of a BPE model over token ids: pairs are merged in the order of their rank, from the left among equals.
 *
 * Long words take O(n log n): symbols are a linked list in typed arrays, pairs wait in a queue under `rank * n + place`, and
 * pairs that are no more when their turn comes are passed over. Source: huggingface/tokenizers `Word::merge_all`.
 */
export class BpeMerges {
  readonly #ranks: PairTable;
  readonly #made: Int32Array;
  #scratch = new Int32Array(shortWord);

  private constructor(ranks: PairTable, made: Int32Array) {
    this.#ranks = ranks;
    this.#made = made;
  }

  /**
   * Makes the table, in steps. `merges[rank]` is left id, right id and the id that they make, one after the other. A later merge
   * of a pair wins.
   */
  static *of(merges: Int32Array): Generator<void, BpeMerges> {
    const count = merges.length / 3;
    const ranks = new PairTable(count);
    const made = new Int32Array(count);
    for (let rank = 0; rank < count; rank++) {
      if (rank % sliceOfRanks === sliceOfRanks - 1) yield;
      made[rank] = merges[rank * 3 + 2] as number;
      ranks.set(merges[rank * 3] as number, merges[rank * 3 + 1] as number, rank);
    }
    return new BpeMerges(ranks, made);
  }

  /** Merges `symbols[0…count)`, which it may change. */
  merge(symbols: Int32Array, count: number): Merged {
    if (count <= shortWord) return this.#short(symbols, count);
    return finished(this.steps(symbols, count));
  }

  #short(symbols: Int32Array, count: number): Merged {
    const ranks = this.#ranks;
    const pairs = this.#scratch;
    const firsts: number[] = [];
    for (let i = 0; i < count; i++) {
      firsts.push(i);
      pairs[i] = i + 1 < count ? ranks.get(symbols[i] as number, symbols[i + 1] as number) : -1;
    }
    let length = count;
    for (;;) {
      let best = -1;
      let rank = 0x7fff_ffff;
      for (let i = 0; i + 1 < length; i++) {
        const found = pairs[i] as number;
        if (found >= 0 && found < rank) {
          rank = found;
          best = i;
        }
      }
      if (best < 0) break;
      symbols[best] = this.#made[rank] as number;
      length--;
      for (let i = best + 1; i < length; i++) {
        symbols[i] = symbols[i + 1] as number;
        pairs[i] = pairs[i + 1] as number;
        firsts[i] = firsts[i + 1] as number;
      }
      pairs[best] = best + 1 < length ? ranks.get(symbols[best] as number, symbols[best + 1] as number) : -1;
      if (best > 0) pairs[best - 1] = ranks.get(symbols[best - 1] as number, symbols[best] as number);
    }
    firsts.length = length;
    const ids = new Array<number>(length);
    for (let i = 0; i < length; i++) ids[i] = symbols[i] as number;
    return { ids, firsts };
  }

  /** The same in steps, for words of any length. */
  *steps(symbols: Int32Array, count: number): Generator<void, Merged> {
    const ranks = this.#ranks;
    const made = this.#made;
    const next = new Int32Array(count);
    const previous = new Int32Array(count);
    const queue = new MergeQueue(count);
    for (let i = 0; i < count; i++) {
      next[i] = i + 1 < count ? i + 1 : -1;
      previous[i] = i - 1;
      const rank = i + 1 < count ? ranks.get(symbols[i] as number, symbols[i + 1] as number) : -1;
      if (rank >= 0) queue.append(rank * count + i);
    }
    queue.arrange();
    yield;
    let work = 0;
    while (queue.size > 0) {
      if (++work % sliceOfMerges === 0) yield;
      const key = queue.pop();
      const rank = Math.floor(key / count);
      const at = key - rank * count;
      const right = next[at] as number;
      // A symbol that was merged into its left neighbour is -1, and makes no pair.
      if (right < 0 || ranks.get(symbols[at] as number, symbols[right] as number) !== rank) continue;
      const after = next[right] as number;
      symbols[at] = made[rank] as number;
      symbols[right] = -2;
      next[right] = -1;
      next[at] = after;
      if (after >= 0) {
        previous[after] = at;
        const pair = ranks.get(symbols[at] as number, symbols[after] as number);
        if (pair >= 0) queue.push(pair * count + at);
      }
      const before = previous[at] as number;
      if (before >= 0) {
        const pair = ranks.get(symbols[before] as number, symbols[at] as number);
        if (pair >= 0) queue.push(pair * count + before);
      }
    }
    const ids: number[] = [];
    const firsts: number[] = [];
    for (let at = 0; at >= 0 && at < count; at = next[at] as number) {
      ids.push(symbols[at] as number);
      firsts.push(at);
    }
    return { ids, firsts };
  }
}
