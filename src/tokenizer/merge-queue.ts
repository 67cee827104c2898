/** A queue of numbers that gives the smallest first: a heap with four children to a node. */
export class MergeQueue {
  #keys: Float64Array;
  size = 0;

  constructor(capacity: number) {
    this.#keys = new Float64Array(Math.max(4, capacity));
  }

  /** Adds without order; `arrange` has to follow before anything is taken. */
  append(key: number): void {
    if (this.size === this.#keys.length) this.#grow();
    this.#keys[this.size++] = key;
  }

  arrange(): void {
    for (let at = (this.size - 2) >> 2; at >= 0; at--) this.#sink(at, this.#keys[at] as number);
  }

  push(key: number): void {
    if (this.size === this.#keys.length) this.#grow();
    const keys = this.#keys;
    let at = this.size++;
    while (at > 0) {
      const parent = (at - 1) >> 2;
      const above = keys[parent] as number;
      if (above <= key) break;
      keys[at] = above;
      at = parent;
    }
    keys[at] = key;
  }

  /** Takes the smallest key. There must be one. */
  pop(): number {
    const keys = this.#keys;
    const smallest = keys[0] as number;
    const last = keys[--this.size] as number;
    if (this.size > 0) this.#sink(0, last);
    return smallest;
  }

  #sink(from: number, key: number): void {
    const keys = this.#keys;
    const size = this.size;
    let at = from;
    for (;;) {
      const first = at * 4 + 1;
      if (first >= size) break;
      let least = first;
      let value = keys[first] as number;
      const end = Math.min(first + 4, size);
      for (let child = first + 1; child < end; child++) {
        const other = keys[child] as number;
        if (other < value) {
          value = other;
          least = child;
        }
      }
      if (value >= key) break;
      keys[at] = value;
      at = least;
    }
    keys[at] = key;
  }

  #grow(): void {
    const larger = new Float64Array(this.#keys.length * 2);
    larger.set(this.#keys);
    this.#keys = larger;
  }
}
