import { TsumugiError } from "../errors.ts";

/**
 * Who holds which block of one paged state: ids 0 … capacity − 1, a reference count each, and the free ones on a stack.
 *
 * Integers only: the memory of a block belongs to the backend. A prefix cache will be one more holder of references.
 */
export class BlockPool {
  /** Blocks in all. */
  readonly capacity: number;
  readonly #references: Int32Array;
  readonly #freeIds: Int32Array;
  #freeCount: number;

  constructor(capacity: number) {
    if (!Number.isInteger(capacity) || capacity < 1) {
      throw new TsumugiError("invalid_option", { option: "blocks", expected: "a positive integer", given: capacity });
    }
    this.capacity = capacity;
    this.#references = new Int32Array(capacity);
    // The lowest id is on top, so that a fresh pool hands out 0, 1, 2, …
    this.#freeIds = Int32Array.from({ length: capacity }, (_, index) => capacity - 1 - index);
    this.#freeCount = capacity;
  }

  /** Blocks that nobody holds. */
  get free(): number {
    return this.#freeCount;
  }

  /** Blocks that somebody holds. */
  get used(): number {
    return this.capacity - this.#freeCount;
  }

  /** A free block, held once. The caller has made sure that there is one. */
  allocate(): number {
    if (this.#freeCount === 0) throw broken("a KV block was allocated from an empty pool");
    this.#freeCount -= 1;
    const id = this.#freeIds[this.#freeCount] as number;
    this.#references[id] = 1;
    return id;
  }

  /** Holds a block once more. */
  retain(id: number): void {
    this.#references[id] = this.references(id) + 1;
  }

  /** Gives up one hold; the last one frees the block. */
  release(id: number): void {
    const left = this.references(id) - 1;
    this.#references[id] = left;
    if (left > 0) return;
    this.#freeIds[this.#freeCount] = id;
    this.#freeCount += 1;
  }

  /** How often a held block is held. */
  references(id: number): number {
    const count = this.#references[id];
    if (count === undefined || count < 1) throw broken(`KV block ${id} is not held by anybody`);
    return count;
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
    for (let id = 0; id < this.capacity; id += 1) {
      const count = this.#references[id] as number;
      if (count > 0 === (isFree[id] === 1))
        throw broken(`KV block ${id} has ${count} references and free = ${isFree[id] === 1}`);
      if (holds && holds[id] !== count) throw broken(`KV block ${id} has ${count} references, its holders count ${holds[id]}`);
    }
  }
}

function broken(what: string): TsumugiError {
  return new TsumugiError("internal", { what });
}
