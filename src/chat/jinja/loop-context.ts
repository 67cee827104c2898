import { typeError } from "./fault.ts";
import { equal, iterator, sizeOf } from "./protocol.ts";
import type { Runtime } from "./runtime.ts";
import { Callable, LazyIterator, Tuple, Undefined, type Value } from "./values.ts";

/** The `loop` of a `for`: it walks the values, and knows where it stands. */
export class LoopContext {
  index0 = -1;
  /** What templates see as `loop`. */
  readonly value: Callable;
  readonly #runtime: Runtime;
  readonly #iterable: Value;
  readonly #depth0: number;
  #source: Iterator<Value>;
  #length: number | undefined;
  #after: Value | undefined;
  #current: Value | undefined;
  #before: Value | undefined;
  #changed: Value | undefined;

  /** `recurse` renders the loop again for the values of `loop(values)`. */
  constructor(
    runtime: Runtime,
    iterable: Value,
    depth0: number,
    recurse: ((values: Value, depth0: number) => Value) | undefined,
  ) {
    this.#runtime = runtime;
    this.#iterable = iterable;
    this.#source = iterator(runtime, iterable);
    this.#depth0 = depth0;
    this.value = new Callable(
      "LoopContext",
      (_, [values]) => {
        if (!recurse) throw typeError("The loop must have the 'recursive' marker to be called recursively.");
        if (values === undefined) throw typeError("loop() missing required argument: 'iterable'");
        return recurse(values, this.#depth0 + 1);
      },
      "LoopContext",
      (name) => this.#attribute(name),
    );
  }

  /** Moves to the next value; undefined at the end. */
  next(): Value | undefined {
    const value = this.#peek();
    if (value === undefined) return undefined;
    this.#after = undefined;
    this.index0 += 1;
    this.#before = this.#current;
    this.#current = value;
    return value;
  }

  #peek(): Value | undefined {
    if (this.#after === undefined) {
      const { value, done } = this.#source.next();
      if (!done) this.#after = value;
    }
    return this.#after;
  }

  /** Where the values have no length, the rest of them is taken to count it. */
  #count(): number {
    if (this.#length !== undefined) return this.#length;
    const size = this.#iterable instanceof LazyIterator ? undefined : sizeOf(this.#runtime, this.#iterable);
    if (size !== undefined) {
      this.#length = size;
      return size;
    }
    const rest: Value[] = [];
    for (let next = this.#source.next(); !next.done; next = this.#source.next()) {
      this.#runtime.budget.spend(1);
      rest.push(next.value);
    }
    this.#source = rest[Symbol.iterator]();
    this.#length = rest.length + this.index0 + 1 + (this.#after === undefined ? 0 : 1);
    return this.#length;
  }

  #attribute(name: string): Value | undefined {
    switch (name) {
      case "index":
        return this.index0 + 1;
      case "index0":
        return this.index0;
      case "revindex":
        return this.#count() - this.index0;
      case "revindex0":
        return this.#count() - this.index0 - 1;
      case "first":
        return this.index0 === 0;
      case "last":
        return this.#peek() === undefined;
      case "length":
      case "__len__":
        return this.#count();
      case "depth":
        return this.#depth0 + 1;
      case "depth0":
        return this.#depth0;
      case "previtem":
        return this.index0 === 0 ? new Undefined("there is no previous item") : (this.#before as Value);
      case "nextitem":
        return this.#peek() === undefined ? new Undefined("there is no next item") : (this.#after as Value);
      case "cycle":
        return new Callable("cycle", (_, items) => {
          if (items.length === 0) throw typeError("no items for cycling given");
          return items[this.index0 % items.length] as Value;
        });
      case "changed":
        return new Callable("changed", (runtime, values) => {
          const now = new Tuple(values);
          const isSame = this.#changed !== undefined && equal(runtime, this.#changed, now);
          if (!isSame) this.#changed = now;
          return !isSame;
        });
      case "__repr__":
        return `<LoopContext ${this.index0 + 1}/${this.#count()}>`;
    }
    return undefined;
  }
}
