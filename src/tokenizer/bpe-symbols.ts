import { byteCharacters } from "./byte-characters.ts";
import { byteFallbackIds } from "./byte-fallback.ts";
import type { CharacterIds } from "./character-ids.ts";
import { missingUnknown, unknownText } from "./unknown-text.ts";
import { utf8Length, writeUtf8 } from "./utf8.ts";

/** Makes the symbols that a word has before merging. */
export interface SymbolWriter {
  /** How many symbols a word can have. */
  room(word: string): number;
  /**
   * Writes the symbols of a word into `into`; gives their count. With `lengths`, adds how many bytes of UTF-8 each symbol
   * stands for, unless each stands for one.
   */
  write(word: string, into: Int32Array, lengths: number[] | undefined): number;
  /** Each symbol stands for one byte. */
  readonly bytes: boolean;
}

/** What the characters of a word become. */
export interface CharacterRules {
  /** Put before a character that does not begin the word, and behind the one that ends it, before its token is looked up. */
  prefix: string;
  suffix: string;
  /** A character without a token becomes the tokens of its bytes, where each of them has one. */
  byteFallback: boolean;
  /** The unknown token's name; without one, unknown characters are left out. */
  unknown: string | undefined;
  /** Unknown characters in a row are one symbol. */
  fuse: boolean;
}

/** Each byte of a word's UTF-8 is a symbol. `ids` has a token for every byte. */
export function byteSymbols(ids: ReadonlyMap<string, number>): SymbolWriter {
  const table = Int32Array.from(byteCharacters, (character) => ids.get(character) as number);
  const utf8 = new Uint8Array(4);
  return {
    bytes: true,
    room: (word) => word.length * 3 + 1,
    write(word, into) {
      let count = 0;
      for (let i = 0; i < word.length; i++) {
        const unit = word.charCodeAt(i);
        if (unit < 0x80) {
          into[count++] = table[unit] as number;
          continue;
        }
        const code = word.codePointAt(i) as number;
        if (code > 0xffff) i++;
        const length = writeUtf8(code, utf8, 0);
        for (let b = 0; b < length; b++) into[count++] = table[utf8[b] as number] as number;
      }
      return count;
    },
  };
}

/** Each character of a word is a symbol, or those of its bytes, or unknown. Error: `unknown_text`. */
export function characterSymbols(
  ids: ReadonlyMap<string, number>,
  characters: CharacterIds,
  { prefix, suffix, byteFallback, unknown, fuse }: CharacterRules,
): SymbolWriter {
  const fallback = byteFallback ? byteFallbackIds(ids) : undefined;
  const encoder = new TextEncoder();
  const unknownId = unknown === undefined ? undefined : ids.get(unknown);
  const utf8 = new Uint8Array(4);
  /** Ids of the bytes of a character, with its prefix and suffix if `text` has them; undefined where one is missing. */
  const bytesOf = (code: number, text: string | undefined): Uint8Array | undefined => {
    if (!fallback) return undefined;
    const bytes = text === undefined ? utf8.subarray(0, writeUtf8(code, utf8, 0)) : encoder.encode(text);
    return bytes.every((byte) => (fallback[byte] as number) >= 0) ? bytes : undefined;
  };
  return {
    bytes: false,
    // With prefix and suffix, a character may fall back to more than four bytes.
    room: (word) => word.length * 3 + (fallback ? word.length * prefix.length * 3 + suffix.length * 3 : 0) + 1,
    write(word, into, lengths) {
      let count = 0;
      let unknownLength = 0;
      // `length` is that of the UTF-8 of the character as it stands in the word, without prefix and suffix.
      const push = (id: number, length: number) => {
        lengths?.push(length);
        into[count++] = id;
      };
      const flush = () => {
        if (unknownLength > 0) push(unknownId as number, unknownLength);
        unknownLength = 0;
      };
      for (let i = 0; i < word.length; ) {
        const code = word.codePointAt(i) as number;
        const end = i + (code > 0xffff ? 2 : 1);
        const length = utf8Length(code);
        let text: string | undefined;
        let id: number;
        if ((prefix !== "" && i > 0) || (suffix !== "" && end === word.length)) {
          text = (i > 0 ? prefix : "") + word.slice(i, end) + (end === word.length ? suffix : "");
          id = ids.get(text) ?? -1;
        } else id = characters.get(code);
        i = end;
        if (id >= 0) {
          flush();
          push(id, length);
          continue;
        }
        const bytes = bytesOf(code, text);
        if (bytes && fallback) {
          for (const byte of bytes) push(fallback[byte] as number, 1);
          continue;
        }
        if (unknown === undefined) continue;
        if (unknownId === undefined) throw unknownText(String.fromCodePoint(code), missingUnknown(unknown));
        if (!fuse) flush();
        unknownLength += length;
      }
      flush();
      return count;
    },
  };
}
