import { TsumugiError } from "../errors.ts";

/**
 * Who holds which block of one state: ids 0 … capacity − 1, a reference count each, and the free ones on a stack.
 *
 * Integers only: the memory of a block belongs to the backend. Each sequence that uses a block holds one reference. A cache
 * of prefixes holds none: it marks blocks as cached, and a cached block that no sequence holds is *evictable*. It keeps its
 * content until `allocate` needs it, so a cache never takes anything from a sequence.
 */
export class BlockPool {
  /** Blocks in all. */
  readonly capacity: number;
  readonly #references: Int32Array;
  readonly #isCached: Uint8Array;
  readonly #freeIds: Int32Array;
  #freeCount: number;
  #evictableCount = 0;
  #evict: (() => void) | undefined;

  constructor(capacity: number) {
    if (!Number.isInteger(capacity) || capacity < 1) {
      throw new TsumugiError("invalid_option", { option: "blocks", expected: "a positive integer", given: capacity });
    }
    this.capacity = capacity;
    this.#references = new Int32Array(capacity);
    this.#isCached = new Uint8Array(capacity);
    // The lowest id is on top, so that a fresh pool hands out 0, 1, 2, …
    this.#freeIds = Int32Array.from({ length: capacity }, (_, index) => capacity - 1 - index);
    this.#freeCount = capacity;
  }

  /** Blocks without content: no sequence holds them, and they are not cached. */
  get free(): number {
    return this.#freeCount;
  }

  /** Cached blocks that no sequence holds. */
  get evictable(): number {
    return this.#evictableCount;
  }

  /** Blocks that `allocate` can hand out: the free and the evictable ones. Every budget counts with it. */
  get available(): number {
    return this.#freeCount + this.#evictableCount;
  }

  /** Blocks that sequences hold. */
  get used(): number {
    return this.capacity - this.available;
  }

  /**
   * Tells the pool how to get a block back from the cache. `evict` is called when a block is wanted and none is free but some
   * are evictable; it must `uncache` at least one of those.
   */
  setEvictor(evict: () => void): void {
    this.#evict = evict;
  }

  /** A block held once: a free one, or one that the cache gives up. The caller has made sure that one is available. */
  allocate(): number {
    if (this.#freeCount === 0 && this.#evictableCount > 0) this.#evict?.();
    if (this.#freeCount === 0) throw broken("a KV block was allocated from an empty pool");
    this.#freeCount -= 1;
    const id = this.#freeIds[this.#freeCount] as number;
    this.#references[id] = 1;
    return id;
  }

  /** Holds a block once more: one that is held, or an evictable one. */
  retain(id: number): void {
    if (this.isEvictable(id)) {
      this.#evictableCount -= 1;
      this.#references[id] = 1;
      return;
    }
    this.#references[id] = this.references(id) + 1;
  }

  /** Gives up one hold; after the last one the block is evictable when it is cached, else free. */
  release(id: number): void {
    const left = this.references(id) - 1;
    this.#references[id] = left;
    if (left > 0) return;
    if (this.#isCached[id] === 1) this.#evictableCount += 1;
    else this.#free(id);
  }

  /** Marks a held block as cached: its content must not change from now on, and outlives its last release. */
  cache(id: number): void {
    this.references(id);
    this.#isCached[id] = 1;
  }

  /** The cache gives a block up. An evictable one is free; a held one is free after its last release. */
  uncache(id: number): void {
    if (this.#isCached[id] !== 1) throw broken(`KV block ${id} is not cached`);
    const wasEvictable = this.isEvictable(id);
    this.#isCached[id] = 0;
    if (!wasEvictable) return;
    this.#evictableCount -= 1;
    this.#free(id);
  }

  /** True for a cached block that no sequence holds. */
  isEvictable(id: number): boolean {
    return this.#isCached[id] === 1 && this.#references[id] === 0;
  }

  /** How many sequences hold a block that is held. */
  references(id: number): number {
    const count = this.#references[id];
    if (count === undefined || count < 1) throw broken(`KV block ${id} is not held by anybody`);
    return count;
  }

  /** How many would see a write to a held block: the sequences that hold it, and the cache. */
  sharers(id: number): number {
    return this.references(id) + (this.#isCached[id] as number);
  }

  /**
   * Throws `internal` where the books do not balance.
   *
   * @param holds - how often each block is held by those the caller knows, [capacity]; left out, only the pool itself is checked
   */
  checkIntegrity(holds?: Int32Array): void {
    const isFree = new Uint8Array(this.capacity);
    for (let index = 0; index < this.#freeCount; index += 1) {
      const id = this.#freeIds[index] as number;
      if (isFree[id] === 1) throw broken(`KV block ${id} is free twice`);
      isFree[id] = 1;
    }
    let evictable = 0;
    for (let id = 0; id < this.capacity; id += 1) {
      const count = this.#references[id] as number;
      const cached = this.#isCached[id] === 1;
      if ((count > 0 || cached) === (isFree[id] === 1)) {
        throw broken(`KV block ${id} has ${count} references, cached = ${cached} and free = ${isFree[id] === 1}`);
      }
      if (cached && count === 0) evictable += 1;
      if (holds && holds[id] !== count) throw broken(`KV block ${id} has ${count} references, its holders count ${holds[id]}`);
    }
    if (evictable !== this.#evictableCount) {
      throw broken(`${evictable} KV blocks are evictable, ${this.#evictableCount} were counted`);
    }
  }

  #free(id: number): void {
    this.#freeIds[this.#freeCount] = id;
    this.#freeCount += 1;
  }
}

function broken(what: string): TsumugiError {
  return new TsumugiError("internal", { what });
}
