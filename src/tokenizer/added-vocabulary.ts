/** A token that text is searched for before the model sees it. Fields as in tokenizer.json. */
export interface AddedToken {
  id: number;
  content: string;
  singleWord: boolean;
  lstrip: boolean;
  rstrip: boolean;
  normalized: boolean;
  special: boolean;
}

/** A piece of text, or an added token found in it. `start` is the piece's place in the text that was split. */
export interface Piece {
  text: string;
  start: number;
  token?: AddedToken;
}

type Trie = Map<string, Trie> & { token?: AddedToken };

const wordCharacter = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]/u;

/**
 * Finds added tokens in text: leftmost, longest first, with the single-word, lstrip and rstrip rules of the Rust library.
 * `contents` are the strings searched for (normalised, for tokens that are matched after normalisation).
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

  /** Splits `text` (which stands at `offset` of a longer text) into plain pieces and added tokens. */
  split(text: string, offset = 0): Piece[] {
    if (text === "") return [];
    if (this.#empty) return [{ text, start: offset }];
    const pieces: Piece[] = [];
    let done = 0;
    for (let at = 0; at < text.length; ) {
      const found = this.#beginnings[text.charCodeAt(at)] === 1 ? this.#longest(text, at) : undefined;
      if (!found) {
        at++;
        continue;
      }
      let [start, end] = [at, found.end];
      at = end;
      if (found.token.singleWord && (wordBefore(text, start) || wordAfter(text, end))) continue;
      if (found.token.lstrip) while (start > done && /\p{White_Space}/u.test(text[start - 1] as string)) start--;
      if (found.token.rstrip) while (end < text.length && /\p{White_Space}/u.test(text[end] as string)) end++;
      if (start > done) pieces.push({ text: text.slice(done, start), start: offset + done });
      pieces.push({ text: text.slice(start, end), start: offset + start, token: found.token });
      done = end;
      at = end;
    }
    if (done < text.length) pieces.push({ text: text.slice(done), start: offset + done });
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

function wordBefore(text: string, at: number): boolean {
  return wordCharacter.test(Array.from(text.slice(Math.max(0, at - 2), at)).at(-1) ?? "");
}

function wordAfter(text: string, at: number): boolean {
  return wordCharacter.test(String.fromCodePoint(text.codePointAt(at) ?? 0x20));
}
