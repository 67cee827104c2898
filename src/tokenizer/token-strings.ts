/**
 * Token strings by their ids. Memory goes by how many there are, not by the largest id: ids far beyond their number are kept
 * apart.
 */
export class TokenStrings {
  readonly #near: (string | undefined)[];
  readonly #far = new Map<number, string>();
  readonly #limit: number;

  /** `expected` is how many tokens there will be. */
  constructor(expected: number) {
    this.#limit = 2 * expected + 1024;
    // Ids come in any order: room for most of them now keeps the list from being taken for a sparse one.
    this.#near = new Array(expected).fill(undefined);
  }

  set(id: number, token: string): void {
    if (id < this.#limit) this.#near[id] = token;
    else this.#far.set(id, token);
  }

  get(id: number): string | undefined {
    return id < this.#limit ? this.#near[id] : this.#far.get(id);
  }
}
