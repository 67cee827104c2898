import type { Merged } from "./bpe-merges.ts";
import { utf8Length } from "./utf8.ts";

/**
 * Places of tokens in a word: a token has all of the characters that its bytes belong to. `count` and `lengths` are those of
 * the symbols before merging; without `lengths` each stands for one byte.
 */
export function bpeRanges(word: string, merged: Merged, count: number, lengths: readonly number[] | undefined): Int32Array {
  const starts: number[] = []; // of each byte's character, in units
  const ends: number[] = [];
  for (let i = 0; i < word.length; ) {
    const code = word.codePointAt(i) as number;
    const end = i + (code > 0xffff ? 2 : 1);
    for (let left = utf8Length(code); left > 0; left--) {
      starts.push(i);
      ends.push(end);
    }
    i = end;
  }
  const ranges = new Int32Array(merged.ids.length * 2);
  let byte = 0;
  for (let token = 0; token < merged.ids.length; token++) {
    const first = merged.firsts[token] as number;
    const after = merged.firsts[token + 1] ?? count;
    const from = byte;
    if (lengths) for (let i = first; i < after; i++) byte += lengths[i] as number;
    else byte += after - first;
    ranges[2 * token] = starts[from] as number;
    ranges[2 * token + 1] = ends[byte - 1] as number;
  }
  return ranges;
}
