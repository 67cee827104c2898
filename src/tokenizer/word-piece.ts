import { isInside } from "./aligned-text.ts";
import { missingUnknown, unknownText } from "./unknown-text.ts";
import { rangesOf, type WordModel } from "./word-model.ts";

/**
 * WordPiece: the longest piece that begins the word, then the longest that goes on, and so forth. Words that cannot be made
 * so, or are longer than `max_input_chars_per_word`, are the unknown token. Error: `unknown_text`, where there is none.
 *
 * Source: huggingface/tokenizers `WordPiece`.
 */
export function createWordPiece(config: Record<string, unknown>, ids: ReadonlyMap<string, number>): WordModel {
  const prefix = String(config.continuing_subword_prefix ?? "##");
  const limit = Number(config.max_input_chars_per_word ?? 100);
  const unknown = unknownOf(config, ids);
  const longest = [...ids.keys()].reduce((length, token) => Math.max(length, token.length), 0);

  const piecesOf = (word: string): { ids: number[]; ends: number[] } | undefined => {
    if (word.length > limit && (word.length > 2 * limit || Array.from(word).length > limit)) return undefined;
    const found: number[] = [];
    const ends: number[] = [];
    for (let start = 0; start < word.length; ) {
      let end = Math.min(word.length, start + longest);
      let id: number | undefined;
      for (; end > start; end--) {
        if (isInside(word, end)) continue;
        id = ids.get(start > 0 ? prefix + word.slice(start, end) : word.slice(0, end));
        if (id !== undefined) break;
      }
      if (id === undefined) return undefined;
      found.push(id);
      ends.push(end);
      start = end;
    }
    return { ids: found, ends };
  };
  return {
    tokenize(word, ranges) {
      const pieces = piecesOf(word) ?? { ids: [unknown(word)], ends: [word.length] };
      return ranges ? { ids: pieces.ids, ranges: rangesOf(pieces.ends) } : { ids: pieces.ids };
    },
  };
}

/** WordLevel: a word is a token, or the unknown one. Error: `unknown_text`, where there is none. */
export function createWordLevel(config: Record<string, unknown>, ids: ReadonlyMap<string, number>): WordModel {
  const unknown = unknownOf(config, ids);
  return { tokenize: (word) => ({ ids: [ids.get(word) ?? unknown(word)], ranges: Int32Array.of(0, word.length) }) };
}

/** Gives the unknown token's id for a word. Error: `unknown_text`. */
function unknownOf(config: Record<string, unknown>, ids: ReadonlyMap<string, number>): (word: string) => number {
  const name = String(config.unk_token);
  const id = ids.get(name);
  return (word) => {
    if (id === undefined) throw unknownText(word, missingUnknown(name));
    return id;
  };
}
