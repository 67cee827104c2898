import { TsumugiError } from "../errors.ts";
import { listOf } from "../util/json-value.ts";
import { BpeMerges, type Merged } from "./bpe-merges.ts";
import { byteCharacters } from "./byte-characters.ts";
import { createByteCutter } from "./byte-cuts.ts";
import { CharacterIds } from "./character-ids.ts";
import { utf8Length, writeUtf8 } from "./utf8.ts";
import { createWordCutter } from "./word-cuts.ts";
import type { WordModel, WordTokens } from "./word-model.ts";

/** Options of `createBpe` that tokenizer.json does not have. */
export interface BpeOptions {
  /** Words come as they are, and each byte of their UTF-8 is a symbol (the last step of a byte-level pre-tokenizer). */
  bytes: boolean;
}

/** Whether every byte has a token, so that words can be taken byte by byte. */
export function hasAllBytes(ids: ReadonlyMap<string, number>): boolean {
  return byteCharacters.every((character) => ids.has(character));
}

/** Symbols of a word before merging. */
interface Symbols {
  ids: Int32Array;
  count: number;
  /** Bytes of UTF-8 that each symbol stands for; only where places are asked for. */
  lengths: number[] | undefined;
}

/**
 * Byte-pair encoding: characters, or bytes, to token ids, then merged (`BpeMerges`). Characters without a token become their
 * bytes' tokens (`byte_fallback`), or the unknown token (runs of them one, with `fuse_unk`), or nothing.
 *
 * Source: huggingface/tokenizers `BPE::merge_word`.
 */
export function createBpe(config: Record<string, unknown>, ids: ReadonlyMap<string, number>, options: BpeOptions): WordModel {
  if (typeof config.dropout === "number" && config.dropout > 0)
    throw new TsumugiError("unsupported_tokenizer", { what: "model.dropout above 0", given: config.dropout });
  const prefix = typeof config.continuing_subword_prefix === "string" ? config.continuing_subword_prefix : "";
  const suffix = typeof config.end_of_word_suffix === "string" ? config.end_of_word_suffix : "";
  const fuse = config.fuse_unk === true;
  const whole = config.ignore_merges === true;
  const unknown = typeof config.unk_token === "string" ? (ids.get(config.unk_token) ?? -1) : -1;
  const merges = new BpeMerges(readMerges(config.merges, ids, prefix));
  const characters = new CharacterIds(ids);
  const fallback = config.byte_fallback === true ? byteFallbackIds(ids) : undefined;
  const byteIds = options.bytes ? Int32Array.from(byteCharacters, (character) => ids.get(character) as number) : undefined;
  // With a prefix or suffix, what a character is depends on its place in the word.
  const cuts = prefix === "" && suffix === "";
  const cut = byteIds ? createByteCutter(ids.keys()) : cuts ? createWordCutter(ids, characters) : undefined;
  const utf8 = new Uint8Array(4);
  let scratch = new Int32Array(256);

  const symbolsOfBytes = (word: string, buffer: Int32Array, table: Int32Array): number => {
    let count = 0;
    for (let i = 0; i < word.length; i++) {
      const unit = word.charCodeAt(i);
      if (unit < 0x80) {
        buffer[count++] = table[unit] as number;
        continue;
      }
      const code = word.codePointAt(i) as number;
      if (code > 0xffff) i++;
      const length = writeUtf8(code, utf8, 0);
      for (let b = 0; b < length; b++) buffer[count++] = table[utf8[b] as number] as number;
    }
    return count;
  };

  /** `length` is that of the UTF-8 of the character as it stands in the word, without prefix and suffix. */
  const symbolsOfCharacters = (word: string, buffer: Int32Array, lengths: number[] | undefined): number => {
    let count = 0;
    let unknownLength = 0;
    const push = (id: number, length: number) => {
      lengths?.push(length);
      buffer[count++] = id;
    };
    const flush = () => {
      if (unknownLength > 0) push(unknown, unknownLength);
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
      if (fallback) {
        const bytes = text === undefined ? utf8.subarray(0, writeUtf8(code, utf8, 0)) : new TextEncoder().encode(text);
        if (bytes.every((byte) => (fallback[byte] as number) >= 0)) {
          for (const byte of bytes) push(fallback[byte] as number, 1);
          continue;
        }
      }
      if (unknown < 0) continue;
      if (!fuse) flush();
      unknownLength += length;
    }
    flush();
    return count;
  };

  /** Room for the symbols: with prefix and suffix, a character may fall back to more than four bytes. */
  const room = (word: string) => word.length * 3 + (fallback ? word.length * prefix.length * 3 + suffix.length * 3 : 0) + 1;

  const symbolsOf = (word: string, ranges: boolean, buffer: Int32Array): Symbols => {
    if (byteIds) return { ids: buffer, count: symbolsOfBytes(word, buffer, byteIds), lengths: undefined };
    const lengths: number[] | undefined = ranges ? [] : undefined;
    return { ids: buffer, count: symbolsOfCharacters(word, buffer, lengths), lengths };
  };

  const wholeWord = (word: string): WordTokens | undefined => {
    if (!whole) return undefined;
    const id = ids.get(byteIds ? toByteCharacters(word) : word);
    return id === undefined ? undefined : { ids: [id], ranges: Int32Array.of(0, word.length) };
  };

  const finish = (word: string, ranges: boolean, symbols: Symbols, merged: Merged): WordTokens => {
    if (!ranges) return { ids: merged.ids };
    return { ids: merged.ids, ranges: byteRanges(word, merged, symbols) };
  };

  return {
    tokenize(word, ranges, part) {
      const known = part ? undefined : wholeWord(word);
      if (known) return known;
      const needed = room(word);
      if (scratch.length < needed) scratch = new Int32Array(needed);
      const symbols = symbolsOf(word, ranges, scratch);
      const merged = merges.merge(symbols.ids, symbols.count);
      if (needed > 65_536) scratch = new Int32Array(256);
      return finish(word, ranges, symbols, merged);
    },
    *steps(word, ranges, part) {
      const known = part ? undefined : wholeWord(word);
      if (known) return known;
      const symbols = symbolsOf(word, ranges, new Int32Array(room(word)));
      return finish(word, ranges, symbols, yield* merges.steps(symbols.ids, symbols.count));
    },
    ...(cut && { partsOf: (word: string) => (wholeWord(word) ? undefined : cut(word)) }),
  };
}

/** Ids of `<0x00>` to `<0xFF>`; undefined unless all are there. */
export function byteFallbackIds(ids: ReadonlyMap<string, number>): Int32Array | undefined {
  const table = new Int32Array(256);
  for (let byte = 0; byte < 256; byte++) table[byte] = ids.get(`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`) ?? -1;
  return table.includes(-1) ? undefined : table;
}

/** A word in the characters that stand for its bytes. */
export function toByteCharacters(word: string): string {
  let out = "";
  const bytes: number[] = [];
  for (const character of word) {
    const length = writeUtf8(character.codePointAt(0) as number, bytes, 0);
    for (let b = 0; b < length; b++) out += byteCharacters[bytes[b] as number];
  }
  return out;
}

/**
 * Merges as ids: left, right, made. As tokenizers: a line `#version` is passed over, and a merge must be two tokens that make
 * a third. Errors: `invalid_tokenizer_file`.
 */
function readMerges(merges: unknown, ids: ReadonlyMap<string, number>, prefix: string): Int32Array {
  const list = listOf(merges);
  const table = new Int32Array(list.length * 3);
  let count = 0;
  for (const [index, merge] of list.entries()) {
    if (typeof merge === "string" && merge.startsWith("#version")) continue;
    const parts: unknown = typeof merge === "string" ? merge.split(" ") : merge;
    const refuse = (problem: string) => {
      const reason = `\`model.merges[${index}]\`, ${JSON.stringify(merge)}, ${problem}`;
      return new TsumugiError("invalid_tokenizer_file", { file: "tokenizer.json", reason });
    };
    if (!Array.isArray(parts) || parts.length !== 2 || typeof parts[0] !== "string" || typeof parts[1] !== "string")
      throw refuse("is not a pair of tokens");
    const [left, right] = parts as [string, string];
    const result = left + right.slice(prefix.length);
    const first = ids.get(left);
    const second = ids.get(right);
    const made = ids.get(result);
    if (first === undefined || second === undefined || made === undefined) {
      const missing = first === undefined ? left : second === undefined ? right : result;
      throw refuse(`needs the token ${JSON.stringify(missing)}, which \`model.vocab\` lacks`);
    }
    table[count++] = first;
    table[count++] = second;
    table[count++] = made;
  }
  return table.subarray(0, count);
}

/** Places of tokens in a word: a token has all of the characters that its bytes belong to. */
function byteRanges(word: string, merged: Merged, symbols: Symbols): Int32Array {
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
    const after = merged.firsts[token + 1] ?? symbols.count;
    const from = byte;
    if (symbols.lengths) for (let i = first; i < after; i++) byte += symbols.lengths[i] as number;
    else byte += after - first;
    ranges[2 * token] = starts[from] as number;
    ranges[2 * token + 1] = ends[byte - 1] as number;
  }
  return ranges;
}
