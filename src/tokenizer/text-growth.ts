import { TsumugiError } from "../errors.ts";

/** For each character of a text, and once for all of it: more than any real tokenizer makes (18 of one, in NFKC). */
const perCharacter = 32;
const always = 1_000_000;

/**
 * How long a text may become while a tokenizer changes it. Steps that let texts grow, one after the other, could else fill all
 * memory: forty that write "aa" for "a" make a terabyte of one letter.
 */
export class TextGrowth {
  readonly #part: string;
  #given: number;
  #taken = 0;

  /** `part` of tokenizer.json changes a text of `given` characters. */
  constructor(part: "normalizer" | "decoder", given: number) {
    this.#part = part;
    this.#given = given;
  }

  /** There is more text to change. */
  give(characters: number): void {
    this.#given += characters;
  }

  /** Refuses to make so many characters at once (`text_outgrown`). */
  check(characters: number): void {
    const limit = perCharacter * this.#given + always;
    if (this.#taken + characters <= limit) return;
    throw new TsumugiError("text_outgrown", { part: this.#part, text: this.#given, limit, given: this.#taken + characters });
  }

  /** So many characters are made and kept. */
  take(characters: number): void {
    this.check(characters);
    this.#taken += characters;
  }
}
