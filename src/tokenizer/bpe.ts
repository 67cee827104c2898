import { TsumugiError } from "../errors.ts";
import { BpeMerges } from "./bpe-merges.ts";
import { bpeRanges } from "./bpe-ranges.ts";
import { byteSymbols, characterSymbols } from "./bpe-symbols.ts";
import { byteCharacters, toByteCharacters } from "./byte-characters.ts";
import { createByteCutter } from "./byte-cuts.ts";
import { byteFallbackIds } from "./byte-fallback.ts";
import { CharacterIds } from "./character-ids.ts";
import { readMerges } from "./read-merges.ts";
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

/**
 * Byte-pair encoding, made in steps: characters, or bytes, to token ids, then merged (`BpeMerges`). A character without a token becomes its
 * bytes' tokens (`byte_fallback`, where each has one), or the unknown token (runs of them one, with `fuse_unk`), or nothing.
 *
 * Error: `unknown_text`, of a word with an unknown character where the unknown token that is named is in no vocabulary.
 *
 * Source: huggingface/tokenizers `BPE::merge_word`.
 */
export function* createBpe(
  config: Record<string, unknown>,
  ids: ReadonlyMap<string, number>,
  options: BpeOptions,
): Generator<void, WordModel> {
  if (typeof config.dropout === "number" && config.dropout > 0)
    throw new TsumugiError("unsupported_tokenizer", { what: "model.dropout above 0", given: config.dropout });
  const prefix = typeof config.continuing_subword_prefix === "string" ? config.continuing_subword_prefix : "";
  const suffix = typeof config.end_of_word_suffix === "string" ? config.end_of_word_suffix : "";
  const unknown = typeof config.unk_token === "string" ? config.unk_token : undefined;
  const table = yield* readMerges(config.merges, ids, prefix);
  const merges = yield* BpeMerges.of(table);
  yield;
  const characters = new CharacterIds(ids);
  const writer = options.bytes
    ? byteSymbols(ids)
    : characterSymbols(ids, characters, {
        prefix,
        suffix,
        byteFallback: config.byte_fallback === true,
        unknown,
        fuse: config.fuse_unk === true,
      });
  // With a prefix or suffix, what a character is depends on its place in the word. Characters that are left out make neighbours
  // of those beside them, and bytes that merge reach into other characters.
  const cuts =
    prefix === "" && suffix === "" && unknown !== undefined && !(config.byte_fallback === true && mergesBytes(ids, table));
  const cut = options.bytes ? createByteCutter(ids.keys()) : cuts ? createWordCutter(ids, characters) : undefined;
  yield;
  const ignoreMerges = config.ignore_merges === true;
  let scratch = new Int32Array(256);

  const wholeWord = (word: string): WordTokens | undefined => {
    if (!ignoreMerges) return undefined;
    const id = ids.get(options.bytes ? toByteCharacters(word) : word);
    return id === undefined ? undefined : { ids: [id], ranges: Int32Array.of(0, word.length) };
  };

  return {
    tokenize(word, ranges, part) {
      const known = part ? undefined : wholeWord(word);
      if (known) return known;
      const needed = writer.room(word);
      if (scratch.length < needed) scratch = new Int32Array(needed);
      const lengths: number[] | undefined = ranges && !writer.bytes ? [] : undefined;
      const count = writer.write(word, scratch, lengths);
      const merged = merges.merge(scratch, count);
      if (needed > 65_536) scratch = new Int32Array(256);
      return ranges ? { ids: merged.ids, ranges: bpeRanges(word, merged, count, lengths) } : { ids: merged.ids };
    },
    *steps(word, ranges, part) {
      const known = part ? undefined : wholeWord(word);
      if (known) return known;
      const symbols = new Int32Array(writer.room(word));
      const lengths: number[] | undefined = ranges && !writer.bytes ? [] : undefined;
      const count = writer.write(word, symbols, lengths);
      const merged = yield* merges.steps(symbols, count);
      return ranges ? { ids: merged.ids, ranges: bpeRanges(word, merged, count, lengths) } : { ids: merged.ids };
    },
    ...(cut && { partsOf: (word: string) => (wholeWord(word) ? undefined : cut(word)) }),
  };
}

/** Whether a byte's token is merged with another one. `merges` are left, right and made, one after the other. */
function mergesBytes(ids: ReadonlyMap<string, number>, merges: Int32Array): boolean {
  const bytes = new Set(byteFallbackIds(ids)?.filter((id) => id >= 0));
  if (bytes.size === 0) return false;
  return merges.some((id, i) => i % 3 < 2 && bytes.has(id));
}
