/** Ids of single characters: a table for those below U+10000. */
export class CharacterIds {
  readonly #basic = new Int32Array(0x10000).fill(-1);
  readonly #others = new Map<number, number>();

  constructor(ids: ReadonlyMap<string, number>) {
    for (const [token, id] of ids) {
      if (token.length === 1) this.#basic[token.charCodeAt(0)] = id;
      else if (token.length === 2 && (token.codePointAt(0) as number) > 0xffff)
        this.#others.set(token.codePointAt(0) as number, id);
    }
  }

  /** The id of a character, or -1. */
  get(codePoint: number): number {
    return codePoint < 0x10000 ? (this.#basic[codePoint] as number) : (this.#others.get(codePoint) ?? -1);
  }
}
