import { TsumugiError } from "../errors.ts";
import type { BlockPool } from "./block-pool.ts";

/** Copy a whole block before the step does anything else. */
export interface BlockCopy {
  from: number;
  to: number;
}

/** How a paged state lays a sequence out. */
export interface TableLayout {
  /** Tokens in one block. */
  blockTokens: number;
  /** Sliding window in tokens, the token itself included; absent for full attention. */
  window?: number;
}

/**
 * The block table of one sequence for one paged state: which block holds tokens i · blockTokens … (i + 1) · blockTokens − 1.
 * Entries are −1 where a block was freed behind the window.
 */
export class SequenceTable {
  readonly pool: BlockPool;
  readonly layout: TableLayout;
  #entries: Int32Array;
  #count = 0;
  #firstLive = 0;
  #length = 0;

  constructor(pool: BlockPool, layout: TableLayout) {
    this.pool = pool;
    this.layout = layout;
    this.#entries = new Int32Array(4);
  }

  /** Tokens that have a place: those computed and those of the step being planned. */
  get length(): number {
    return this.#length;
  }

  /** Blocks that this table holds now. */
  get heldBlocks(): number {
    return this.#count - this.#firstLive;
  }

  /** Block ids in order of position. A view: valid until the table changes. */
  get entries(): Int32Array {
    return this.#entries.subarray(0, this.#count);
  }

  /**
   * The partly filled last block when another sequence holds it too, or it is cached: it must be copied before the next
   * append. Else −1.
   */
  get sharedTail(): number {
    if (this.#length === this.#count * this.layout.blockTokens) return -1;
    const tail = this.#entries[this.#count - 1] as number;
    return this.pool.sharers(tail) > 1 ? tail : -1;
  }

  /** Blocks that `tokens` more take from the pool, the copy of a shared tail not counted. */
  blocksToAppend(tokens: number): number {
    return Math.ceil((this.#length + tokens) / this.layout.blockTokens) - this.#count;
  }

  /** The most tokens that can be appended with `blocks` blocks. */
  roomWith(blocks: number): number {
    const forCopy = this.sharedTail >= 0 ? 1 : 0;
    if (blocks < forCopy) return 0;
    return (this.#count + blocks - forCopy) * this.layout.blockTokens - this.#length;
  }

  /** Makes places for `tokens` more, to be written by this table alone. A shared tail is replaced, and its copy returned. */
  append(tokens: number): BlockCopy | undefined {
    let copy: BlockCopy | undefined;
    const shared = this.sharedTail;
    if (shared >= 0) {
      copy = { from: shared, to: this.pool.allocate() };
      this.pool.release(shared);
      this.#entries[this.#count - 1] = copy.to;
    }
    for (let missing = this.blocksToAppend(tokens); missing > 0; missing -= 1) this.#push(this.pool.allocate());
    this.#length += tokens;
    return copy;
  }

  /**
   * Starts an empty table with blocks that others have filled, each held once more. They are read only: an append behind a
   * partly filled last one copies it.
   *
   * @param ids the blocks in order of position; −1 for leading ones that lie behind the window
   * @param length tokens that stand in them. Default: all are full
   */
  adopt(ids: readonly number[], length: number = ids.length * this.layout.blockTokens): void {
    if (this.#count > 0) throw broken(`a table of ${this.#length} tokens adopts blocks`);
    const needed = Math.ceil(length / this.layout.blockTokens);
    if (ids.length !== needed) throw broken(`a table adopts ${ids.length} blocks for ${length} tokens, not ${needed}`);
    for (const id of ids) {
      if (id >= 0) this.pool.retain(id);
      else if (this.layout.window === undefined || this.#firstLive < this.#count) throw broken("a table adopts a gap");
      this.#push(id);
      if (id < 0) this.#firstLive += 1;
    }
    this.#length = length;
  }

  /** A table with the same blocks, each held once more. Whoever appends first copies the partly filled last one. */
  fork(): SequenceTable {
    const copy = new SequenceTable(this.pool, this.layout);
    copy.#entries = this.#entries.slice(0, Math.max(4, this.#count + 1));
    copy.#count = this.#count;
    copy.#firstLive = this.#firstLive;
    copy.#length = this.#length;
    for (let index = this.#firstLive; index < this.#count; index += 1) this.pool.retain(this.#entries[index] as number);
    return copy;
  }

  /** Takes places back, from the end: the table then has `length` tokens, or as few as it had. Their blocks are freed. */
  truncate(length: number): void {
    if (length >= this.#length) return;
    const count = Math.ceil(length / this.layout.blockTokens);
    if (count < this.#firstLive) throw broken(`a table is cut to ${length} tokens, behind its window`);
    for (; this.#count > count; this.#count -= 1) this.pool.release(this.#entries[this.#count - 1] as number);
    this.#length = length;
  }

  /**
   * Frees the blocks that no token after the first `length` can see. Call when these are computed. Default: all in the table.
   */
  freeBehindWindow(length: number = this.#length): void {
    const { blockTokens, window } = this.layout;
    if (window === undefined) return;
    const firstVisible = Math.min(length, this.#length) - window + 1;
    while ((this.#firstLive + 1) * blockTokens <= firstVisible) {
      this.pool.release(this.#entries[this.#firstLive] as number);
      this.#entries[this.#firstLive] = -1;
      this.#firstLive += 1;
    }
  }

  /** Gives all blocks back; the table is empty again. */
  release(): void {
    for (let index = this.#firstLive; index < this.#count; index += 1) this.pool.release(this.#entries[index] as number);
    this.#count = 0;
    this.#firstLive = 0;
    this.#length = 0;
  }

  /** Adds this table's holds to `holds` ([capacity]) and throws `internal` where the table contradicts itself. */
  checkIntegrity(holds: Int32Array): void {
    const { blockTokens, window } = this.layout;
    const expected = Math.ceil(this.#length / blockTokens);
    if (this.#count !== expected) throw broken(`a table of ${this.#length} tokens has ${this.#count} blocks, not ${expected}`);
    if (window === undefined && this.#firstLive > 0) throw broken("a table without a window freed blocks");
    for (let index = 0; index < this.#count; index += 1) {
      const id = this.#entries[index] as number;
      if (index < this.#firstLive !== (id === -1))
        throw broken(`table entry ${index} is ${id}, first held is ${this.#firstLive}`);
      if (id >= 0) holds[id] = (holds[id] ?? 0) + 1;
    }
  }

  #push(id: number): void {
    if (this.#count === this.#entries.length) {
      const larger = new Int32Array(this.#entries.length * 2);
      larger.set(this.#entries);
      this.#entries = larger;
    }
    this.#entries[this.#count] = id;
    this.#count += 1;
  }
}

/** The most blocks that `tokens` tokens of one sequence hold at once, when they are computed one (or a few) at a time. */
export function blocksHeldAtMost(layout: TableLayout, tokens: number, tokensPerStep = 1): number {
  const all = Math.ceil(tokens / layout.blockTokens);
  if (layout.window === undefined) return all;
  // A run of n tokens that starts anywhere touches at most ceil((n − 1) / blockTokens) + 1 blocks.
  const visible = layout.window - 1 + tokensPerStep;
  return Math.min(all, Math.ceil((visible - 1) / layout.blockTokens) + 1);
}

function broken(what: string): TsumugiError {
  return new TsumugiError("internal", { what });
}
