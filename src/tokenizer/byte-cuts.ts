import { byteCharacters } from "./byte-characters.ts";
import { writeUtf8 } from "./utf8.ts";

/**
 * Cuts a long word of a byte-level model between two characters where no token can reach across: a token that did would be
 * the two bytes there, or hold them with the byte before or behind them. So it is enough that no token is the two, and that
 * no token holds the three on either side. BPE only ever joins neighbours into tokens, so the parts give the tokens that
 * merging the whole word gives.
 */
export function createByteCutter(tokens: Iterable<string>): (word: string) => string[] {
  const byteOf = new Int16Array(0x200).fill(-1);
  for (const [byte, character] of byteCharacters.entries()) byteOf[character.charCodeAt(0)] = byte;
  const pairs = new Uint8Array(1 << 16);
  const triples = new Uint8Array(1 << 21);
  for (const token of tokens) {
    let before = -1;
    let previous = -1;
    for (let at = 0; at < token.length; at++) {
      const byte = byteOf[token.charCodeAt(at)] ?? -1;
      if (byte < 0) break;
      if (before >= 0) mark(triples, (before << 16) | (previous << 8) | byte);
      if (at === 1 && token.length === 2) pairs[(previous << 8) | byte] = 1;
      before = previous;
      previous = byte;
    }
  }
  return (word) => {
    const parts: string[] = [];
    const bytes = new Uint8Array(word.length * 3);
    const starts = new Int32Array(word.length + 1); // place in `bytes`, of units that begin a character; else -1
    let length = 0;
    for (let at = 0; at < word.length; at++) {
      starts[at] = length;
      const code = word.codePointAt(at) as number;
      length = writeUtf8(code, bytes, length);
      if (code > 0xffff) starts[++at] = -1;
    }
    let from = 0;
    for (let at = 1; at < word.length; at++) {
      const place = starts[at] as number;
      if (place < 0) continue;
      const [left, right] = [bytes[place - 1] as number, bytes[place] as number];
      const middle = (left << 8) | right;
      if (pairs[middle] === 1) continue;
      if (place > 1 && isMarked(triples, ((bytes[place - 2] as number) << 16) | middle)) continue;
      if (place + 1 < length && isMarked(triples, (middle << 8) | (bytes[place + 1] as number))) continue;
      parts.push(word.slice(from, at));
      from = at;
    }
    parts.push(word.slice(from));
    return parts;
  };
}

function mark(bits: Uint8Array, index: number): void {
  bits[index >> 3] = (bits[index >> 3] as number) | (1 << (index & 7));
}

function isMarked(bits: Uint8Array, index: number): boolean {
  return (((bits[index >> 3] as number) >> (index & 7)) & 1) === 1;
}
