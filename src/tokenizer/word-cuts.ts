import type { CharacterIds } from "./character-ids.ts";
import { PairTable } from "./pair-table.ts";

/**
 * Cuts a long word where no token can reach across: between two characters that stand side by side in no token of the
 * vocabulary. BPE only ever joins neighbours into tokens, so the parts give the same tokens as the whole, most of them have
 * been met before, and few take long. Two unknown characters stay together, since they may be joined to one unknown token.
 */
export function createWordCutter(ids: ReadonlyMap<string, number>, characters: CharacterIds): (word: string) => string[] {
  const neighbours = neighboursOf(ids.keys());
  return (word) => {
    const parts: string[] = [];
    let from = 0;
    let previous = -1;
    let previousKnown = false;
    for (let at = 0; at < word.length; ) {
      const code = word.codePointAt(at) as number;
      const known = characters.get(code) >= 0;
      if (previous >= 0 && (known || previousKnown) && neighbours.get(previous, code) < 0) {
        parts.push(word.slice(from, at));
        from = at;
      }
      previous = code;
      previousKnown = known;
      at += code > 0xffff ? 2 : 1;
    }
    parts.push(word.slice(from));
    return parts;
  };
}

function neighboursOf(tokens: Iterable<string>): PairTable {
  const pairs = new PairTable(4096);
  for (const token of tokens) {
    let previous = -1;
    for (let at = 0; at < token.length; ) {
      const code = token.codePointAt(at) as number;
      if (previous >= 0) pairs.set(previous, code, 1);
      previous = code;
      at += code > 0xffff ? 2 : 1;
    }
  }
  return pairs;
}
