import { PairTable } from "./pair-table.ts";
import type { Piece } from "./read-vocabulary.ts";

/** The pieces as a trie over UTF-16 units, in typed arrays. Node 0 is the root. */
export interface UnigramTrie {
  /** Children of the root, by unit; -1 for none. */
  first: Int32Array;
  /** Children of other nodes, by node and unit. */
  next: PairTable;
  /** The id of the piece that ends at each node, or -1, and its score. */
  ids: Int32Array;
  scores: Float64Array;
}

/** Pieces between two turns of the generator. */
const sliceOfPieces = 4096;

/** Builds the trie of pieces with their ids and scores, in steps. */
export function* createUnigramTrie(known: ReadonlyMap<string, Piece>): Generator<void, UnigramTrie> {
  const first = new Int32Array(0x10000).fill(-1);
  const next = new PairTable(known.size * 4);
  const ids: number[] = [-1];
  const scores: number[] = [0];
  let count = 0;
  for (const [piece, { id, score }] of known) {
    if (++count % sliceOfPieces === 0) yield;
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
