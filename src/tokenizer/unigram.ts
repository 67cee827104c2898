import { byteFallbackIds } from "./byte-fallback.ts";
import type { Piece } from "./read-vocabulary.ts";
import { finished } from "./slices.ts";
import { createUnigramTrie, type UnigramTrie } from "./unigram-trie.ts";
import { unknownText } from "./unknown-text.ts";
import type { WordModel, WordTokens } from "./word-model.ts";

/** How much worse than the worst piece an unknown character is. */
const unknownPenalty = 10;
/** Characters between two turns of the generator. */
const sliceOfCharacters = 4000;

/**
 * The Unigram model of tokenizers, made in steps: the pieces of a word whose scores add up to most. Sums are made from the left and the
 * first of equals stays, as in the Rust library, so ties fall as they do there. Runs of unknown characters come as one, as
 * their bytes' tokens where the model has `byte_fallback`, else as the unknown token.
 *
 * Error: `unknown_text`, where an unknown character is best and the model names no unknown token, bytes or not.
 *
 * Source: huggingface/tokenizers `Unigram::encode_optimized`.
 */
export function* createUnigram(config: Record<string, unknown>, known: ReadonlyMap<string, Piece>): Generator<void, WordModel> {
  let lowest = Number.POSITIVE_INFINITY;
  for (const { score } of known.values()) lowest = Math.min(lowest, score);
  const trie = yield* createUnigramTrie(known);
  const unknownId = typeof config.unk_id === "number" ? config.unk_id : -1;
  const fallback = config.byte_fallback === true ? byteFallbackIds({ get: (token) => known.get(token)?.id }) : undefined;
  const utf8 = new TextEncoder();

  /** Ids of a run of unknown characters, from the last to the first. */
  const unknownTokens = (run: string): readonly number[] => {
    const id = known.get(run)?.id;
    if (id === undefined && fallback) {
      const ids = Array.from(utf8.encode(run), (byte) => fallback[byte] as number);
      if (ids.every((byteId) => byteId >= 0)) return ids.reverse();
    }
    return [id ?? unknownId];
  };

  function* steps(word: string, ranges: boolean): Generator<void, WordTokens> {
    const { starts, pieces } = yield* bestWay(trie, word, lowest - unknownPenalty, unknownId);
    const ids: number[] = [];
    const places: number[] = [];
    const isUnknown = (at: number) => unknownId >= 0 && pieces[at] === unknownId;
    for (let end = word.length; end > 0; ) {
      const until = end;
      end = starts[end] as number;
      if (!isUnknown(until)) {
        ids.push(pieces[until] as number);
        places.push(until, end);
        continue;
      }
      while (end > 0 && isUnknown(end)) end = starts[end] as number;
      for (const id of unknownTokens(word.slice(end, until))) {
        ids.push(id);
        places.push(until, end);
      }
    }
    ids.reverse();
    return ranges ? { ids, ranges: Int32Array.from(places).reverse() } : { ids };
  }
  return {
    steps,
    ...(unknownId >= 0 && { namedByText: unknownId }),
    tokenize: (word, ranges) => finished(steps(word, ranges)),
  };
}

/** For each place in a word, where the best piece that ends there begins, and its id. */
interface BestWay {
  starts: Int32Array;
  pieces: Int32Array;
}

/** The pieces whose scores add up to most (Viterbi). `unknownScore` and `unknownId` are those of a character that no piece is. */
function* bestWay(
  { first, next, ids, scores }: UnigramTrie,
  word: string,
  unknownScore: number,
  unknownId: number,
): Generator<void, BestWay> {
  const length = word.length;
  const best = new Float64Array(length + 1);
  const starts = new Int32Array(length + 1).fill(-1);
  const pieces = new Int32Array(length + 1);
  let turn = sliceOfCharacters;
  for (let start = 0; start < length; ) {
    if (start >= turn) {
      turn += sliceOfCharacters;
      yield;
    }
    const unit = word.charCodeAt(start);
    const width = unit >= 0xd800 && unit < 0xdc00 && (word.codePointAt(start) as number) > 0xffff ? 2 : 1;
    const here = best[start] as number;
    let single = false;
    let node = first[unit] as number;
    for (let at = start + 1; node >= 0; at++) {
      const id = ids[node] as number;
      if (id >= 0) {
        const score = (scores[node] as number) + here;
        if (starts[at] === -1 || score > (best[at] as number)) {
          best[at] = score;
          starts[at] = start;
          pieces[at] = id;
        }
        if (at - start === width) single = true;
      }
      if (at >= length) break;
      node = next.get(node, word.charCodeAt(at));
    }
    if (!single) {
      const score = unknownScore + here;
      const at = start + width;
      if (starts[at] === -1 || score > (best[at] as number)) {
        best[at] = score;
        starts[at] = start;
        if (unknownId < 0) throw unknownText(word.slice(start, at), "its model has no `unk_id`");
        pieces[at] = unknownId;
      }
    }
    start += width;
  }
  return { starts, pieces };
}
