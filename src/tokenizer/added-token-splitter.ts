import type { AddedToken } from "./added-vocabulary.ts";

/** A piece of text, or an added token found in it. `start` is the piece's place in the text that was split. */
export interface Piece {
  text: string;
  start: number;
  token?: AddedToken;
}

type Trie = Map<string, Trie> & { token?: AddedToken };

const wordCharacter = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]/u;
const whiteSpace = /\p{White_Space}/u;

/**
 * Finds added tokens in text: leftmost, longest first, with the single-word, lstrip and rstrip rules of the Rust library.
 * `contents` are the strings searched for (normalised, for tokens that are matched after normalisation).
 *
 * Matches are found in the whole text before white space is added to them, so a token may begin within the white space that
 * the one before it took; their pieces then overlap.
 *
 * Source: huggingface/tokenizers `AddedVocabulary::find_matches`.
 */
export class AddedTokenSplitter {
  readonly #root: Trie = new Map();
  /** Says of each unit of UTF-16 whether a token begins with it (1). */
  readonly #beginnings = new Uint8Array(0x10000);
  #empty = true;

  constructor(tokens: Iterable<{ content: string; token: AddedToken }>) {
    for (const { content, token } of tokens) {
      if (content === "") continue;
      this.#empty = false;
      this.#beginnings[content.charCodeAt(0)] = 1;
      let node = this.#root;
      for (const unit of content.split("")) {
        const next: Trie = node.get(unit) ?? new Map();
        node.set(unit, next);
        node = next;
      }
      node.token ??= token;
    }
  }

  /** Splits `text` into plain pieces and added tokens. `splitSpecial` leaves special tokens where they stand, as text. */
  split(text: string, splitSpecial: boolean): Piece[] {
    if (text === "") return [];
    if (this.#empty) return [{ text, start: 0 }];
    const pieces: Piece[] = [];
    const spaces = new SpaceRun(text);
    let done = 0;
    for (let at = 0; at < text.length; ) {
      const found = this.#beginnings[text.charCodeAt(at)] === 1 ? this.#longest(text, at) : undefined;
      if (!found) {
        at++;
        continue;
      }
      const { token } = found;
      let [start, end] = [at, found.end];
      at = end;
      if (splitSpecial && token.special) continue;
      if (token.singleWord && (wordBefore(text, start) || wordAfter(text, end))) continue;
      // What the token before took is not taken again.
      if (token.lstrip) start = Math.max(spaces.startOf(start, done), done);
      if (token.rstrip) end = spaces.endOf(end);
      if (start > done) pieces.push({ text: text.slice(done, start), start: done });
      if (start < end) pieces.push({ text: text.slice(start, end), start, token });
      done = end;
    }
    if (done < text.length) pieces.push({ text: text.slice(done), start: done });
    return pieces;
  }

  #longest(text: string, start: number): { token: AddedToken; end: number } | undefined {
    let node: Trie | undefined = this.#root;
    let found: { token: AddedToken; end: number } | undefined;
    for (let at = start; at < text.length; ) {
      node = node.get(text[at] as string);
      if (!node) break;
      at++;
      if (node.token) found = { token: node.token, end: at };
    }
    return found;
  }
}

/** Finds the ends of runs of white space, each run once, though many tokens may stand in one. */
class SpaceRun {
  readonly #text: string;
  #from = 0;
  #to = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Where the white space that ends at `place` begins, not before `least`. */
  startOf(place: number, least: number): number {
    let start = place;
    while (start > least && whiteSpace.test(this.#text[start - 1] as string)) start--;
    return start;
  }

  /** Where the white space that begins at `place` ends. */
  endOf(place: number): number {
    if (place >= this.#from && place <= this.#to) return this.#to;
    let end = place;
    while (end < this.#text.length && whiteSpace.test(this.#text[end] as string)) end++;
    [this.#from, this.#to] = [place, end];
    return end;
  }
}

function wordBefore(text: string, at: number): boolean {
  return wordCharacter.test(Array.from(text.slice(Math.max(0, at - 2), at)).at(-1) ?? "");
}

function wordAfter(text: string, at: number): boolean {
  return wordCharacter.test(String.fromCodePoint(text.codePointAt(at) ?? 0x20));
}
