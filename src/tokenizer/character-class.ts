/** A set of characters, given by a pattern for one character; membership is remembered for those below U+10000. */
export class CharacterClass {
  readonly #pattern: RegExp;
  /** Says of each unit of UTF-16: 0 where it is not looked up yet, 1 outside the class, 2 inside. */
  readonly #known = new Uint8Array(0x10000);

  constructor(pattern: RegExp) {
    this.#pattern = pattern;
  }

  has(codePoint: number): boolean {
    if (codePoint > 0xffff) return this.#pattern.test(String.fromCodePoint(codePoint));
    const known = this.#known[codePoint] as number;
    if (known !== 0) return known === 2;
    const found = this.#pattern.test(String.fromCharCode(codePoint));
    this.#known[codePoint] = found ? 2 : 1;
    return found;
  }
}
