import { isRecord, listOf } from "../util/json-value.ts";
import { byteFallbackIds } from "./bpe.ts";
import { PairTable } from "./pair-table.ts";
import { finished } from "./slices.ts";
import type { WordModel, WordTokens } from "./word-model.ts";

/** How much worse than the worst piece an unknown character is. */
const unknownPenalty = 10;
/** Characters between two turns of the generator. */
const sliceOfCharacters = 4000;

/** The pieces as a trie over UTF-16 units, in typed arrays. Node 0 is the root. */
interface Trie {
  /** Children of the root, by unit; -1 for none. */
  first: Int32Array;
  /** Children of other nodes, by node and unit. */
  next: PairTable;
  /** By node: the id of the piece that ends there, or -1, and its score. */
  ids: Int32Array;
  scores: Float64Array;
}

/**
 * The Unigram model of tokenizers: the pieces of a word whose scores add up to most. Sums are made from the left and the
 * first of equals stays, as in the Rust library, so ties fall as they do there. Runs of unknown characters come as one, as
 * their bytes' tokens where the model has `byte_fallback`, else as the unknown token.
 *
 * Source: huggingface/tokenizers `Unigram::encode_optimized`.
 */
export function createUnigram(config: Record<string, unknown>): WordModel {
  const known = new Map<string, { id: number; score: number }>();
  for (const [id, entry] of listOf(config.vocab).entries()) {
    const [piece, score] = listOf(entry);
    known.set(String(piece), { id, score: Number(score) });
  }
  let lowest = Number.POSITIVE_INFINITY;
  for (const { score } of known.values()) lowest = Math.min(lowest, score);
  const trie = createTrie(known);
  const unknownId = typeof config.unk_id === "number" ? config.unk_id : -1;
  const unknownPiece = unknownPieceOf(config.vocab, config.unk_id);
  const unknownPieceId = unknownPiece === undefined ? -1 : (known.get(unknownPiece)?.id ?? -1);
  const idOf = (piece: string) => known.get(piece)?.id;
  const fallback =
    config.byte_fallback === true ? byteFallbackIds(new Map([...known].map(([piece, { id }]) => [piece, id]))) : undefined;
  const utf8 = new TextEncoder();

  function* steps(word: string, ranges: boolean): Generator<void, WordTokens> {
    const length = word.length;
    const best = new Float64Array(length + 1);
    const starts = new Int32Array(length + 1).fill(-1);
    /** Id of the piece that ends here on the best way; -1 for an unknown character. */
    const pieces = new Int32Array(length + 1);
    const { first, next, ids, scores } = trie;
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
        const score = lowest - unknownPenalty + here;
        const at = start + width;
        if (starts[at] === -1 || score > (best[at] as number)) {
          best[at] = score;
          starts[at] = start;
          pieces[at] = -1;
        }
      }
      start += width;
    }
    const found: number[] = [];
    const places: number[] = [];
    const isUnknown = (at: number) => pieces[at] === -1 || pieces[at] === unknownPieceId;
    for (let end = length; end > 0; ) {
      const until = end;
      end = starts[end] as number;
      if (!isUnknown(until)) {
        found.push(pieces[until] as number);
        places.push(until, end);
        continue;
      }
      while (end > 0 && isUnknown(end)) end = starts[end] as number;
      const piece = word.slice(end, until);
      const id = idOf(piece);
      const bytes = id === undefined && fallback ? utf8.encode(piece) : undefined;
      if (bytes?.every((byte) => (fallback?.[byte] as number) >= 0)) {
        for (const byte of bytes.reverse()) {
          found.push(fallback?.[byte] as number);
          places.push(until, end);
        }
      } else if ((id ?? unknownId) >= 0) {
        found.push(id ?? unknownId);
        places.push(until, end);
      }
    }
    found.reverse();
    return ranges ? { ids: found, ranges: Int32Array.from(places).reverse() } : { ids: found };
  }
  return {
    steps,
    tokenize: (word, ranges) => finished(steps(word, ranges)),
  };
}

function createTrie(known: ReadonlyMap<string, { id: number; score: number }>): Trie {
  const first = new Int32Array(0x10000).fill(-1);
  const next = new PairTable(known.size * 4);
  const ids: number[] = [-1];
  const scores: number[] = [0];
  for (const [piece, { id, score }] of known) {
    if (piece === "") continue;
    let node = 0;
    for (let at = 0; at < piece.length; at++) {
      const unit = piece.charCodeAt(at);
      let child = node === 0 ? (first[unit] as number) : next.get(node, unit);
      if (child < 0) {
        child = ids.length;
        ids.push(-1);
        scores.push(0);
        if (node === 0) first[unit] = child;
        else next.set(node, unit, child);
      }
      node = child;
    }
    ids[node] = id;
    scores[node] = score;
  }
  return { first, next, ids: Int32Array.from(ids), scores: Float64Array.from(scores) };
}

function unknownPieceOf(vocab: unknown, id: unknown): string | undefined {
  const entry = typeof id === "number" ? listOf(vocab)[id] : undefined;
  const piece = isRecord(entry) ? undefined : listOf(entry)[0];
  return typeof piece === "string" ? piece : undefined;
}
