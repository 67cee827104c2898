/** A table from pairs of whole numbers (0 to 2³¹−1) to whole numbers, in one typed array: open addressing, at most 3/5 full. */
export class PairTable {
  #slots: Int32Array;
  #mask: number;
  #size = 0;

  constructor(expected = 16) {
    let capacity = 16;
    while (capacity * 3 < expected * 5) capacity *= 2;
    this.#slots = new Int32Array(capacity * 3).fill(-1);
    this.#mask = capacity - 1;
  }

  /** The value of a pair, or -1. */
  get(left: number, right: number): number {
    const slots = this.#slots;
    const mask = this.#mask;
    for (let at = hash(left, right) & mask; ; at = (at + 1) & mask) {
      const found = slots[at * 3] as number;
      if (found === -1) return -1;
      if (found === left && slots[at * 3 + 1] === right) return slots[at * 3 + 2] as number;
    }
  }

  set(left: number, right: number, value: number): void {
    if ((this.#size + 1) * 5 > (this.#mask + 1) * 3) this.#grow();
    const slots = this.#slots;
    const mask = this.#mask;
    let at = hash(left, right) & mask;
    while (slots[at * 3] !== -1 && !(slots[at * 3] === left && slots[at * 3 + 1] === right)) at = (at + 1) & mask;
    if (slots[at * 3] === -1) this.#size++;
    slots[at * 3] = left;
    slots[at * 3 + 1] = right;
    slots[at * 3 + 2] = value;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Int32Array(old.length * 2).fill(-1);
    this.#mask = (this.#mask + 1) * 2 - 1;
    this.#size = 0;
    for (let at = 0; at < old.length; at += 3)
      if (old[at] !== -1) this.set(old[at] as number, old[at + 1] as number, old[at + 2] as number);
  }
}

function hash(left: number, right: number): number {
  const mixed = Math.imul(left, 0x9e3779b1) ^ Math.imul(right + 1, 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}
