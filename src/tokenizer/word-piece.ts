import { rangesOf, type WordModel } from "./word-model.ts";

/**
 * WordPiece: the longest piece that begins the word, then the longest that goes on, and so forth. Words that cannot be made
 * so, or are longer than `max_input_chars_per_word`, are the unknown token. Source: huggingface/tokenizers `WordPiece`.
 */
export function createWordPiece(config: Record<string, unknown>, ids: ReadonlyMap<string, number>): WordModel {
  const prefix = String(config.continuing_subword_prefix ?? "##");
  const limit = Number(config.max_input_chars_per_word ?? 100);
  const unknown = ids.get(String(config.unk_token));
  const longest = [...ids.keys()].reduce((length, token) => Math.max(length, token.length), 0);

  const piecesOf = (word: string): { ids: number[]; ends: number[] } | undefined => {
    if (word.length > limit && (word.length > 2 * limit || Array.from(word).length > limit)) return undefined;
    const found: number[] = [];
    const ends: number[] = [];
    for (let start = 0; start < word.length; ) {
      let end = Math.min(word.length, start + longest);
      let id: number | undefined;
      for (; end > start; end--) {
        if (inPair(word, end)) continue;
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
      const pieces = piecesOf(word) ?? (unknown === undefined ? undefined : { ids: [unknown], ends: [word.length] });
      if (!pieces) return { ids: [], ...(ranges && { ranges: new Int32Array(0) }) };
      return ranges ? { ids: pieces.ids, ranges: rangesOf(pieces.ends) } : { ids: pieces.ids };
    },
  };
}

/** WordLevel: a word is a token, or the unknown one. */
export function createWordLevel(config: Record<string, unknown>, ids: ReadonlyMap<string, number>): WordModel {
  const unknown = ids.get(String(config.unk_token));
  return {
    tokenize(word) {
      const id = ids.get(word) ?? unknown;
      return id === undefined ? { ids: [], ranges: new Int32Array(0) } : { ids: [id], ranges: Int32Array.of(0, word.length) };
    },
  };
}

/** Whether a place is within a surrogate pair. */
function inPair(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit < 0xe000 && at > 0 && (text.codePointAt(at - 1) as number) > 0xffff;
}
