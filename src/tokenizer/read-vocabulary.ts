import { isRecord } from "../util/json-value.ts";
import { showValue } from "../util/show-value.ts";
import { wrongField } from "./field-checks.ts";

/** Entries between two turns of a generator. */
export const sliceOfEntries = 8192;

/** The table `model.vocab`, an object or a `Map`, from tokens to ids. Error: `invalid_tokenizer_file`. */
export function* readTokenTable(vocab: unknown): Generator<void, Map<string, number>> {
  if (!isRecord(vocab)) throw wrongField("model.vocab", "an object", vocab);
  if (vocab instanceof Map) return yield* checkedIds(vocab);
  const ids = new Map<string, unknown>();
  const tokens = Object.keys(vocab);
  yield;
  for (const token of tokens) {
    ids.set(token, vocab[token]);
    if (ids.size % sliceOfEntries === 0) yield;
  }
  return yield* checkedIds(ids);
}

/** The table itself, when all its values are ids. */
function* checkedIds(table: Map<string, unknown>): Generator<void, Map<string, number>> {
  let count = 0;
  for (const [token, id] of table) {
    if (!(typeof id === "number" && Number.isInteger(id) && id >= 0 && id < 2 ** 31))
      throw wrongField(`model.vocab[${showValue(token)}]`, "a token id (a whole number from 0, below 2^31)", id);
    if (++count % sliceOfEntries === 0) yield;
  }
  return table as Map<string, number>;
}

/** Characters of a piece at most: from each place of a text, every piece that begins there is tried. Published pieces have some dozens. */
const longestPiece = 1024;

/** A piece of a Unigram model. */
export interface Piece {
  id: number;
  score: number;
}

/** The list `model.vocab` of pieces and scores, in the order of their ids; of equal pieces the last counts. Error: `invalid_tokenizer_file`. */
export function* readPieces(vocab: unknown): Generator<void, Map<string, Piece>> {
  if (!Array.isArray(vocab)) throw wrongField("model.vocab", "a list", vocab);
  const known = new Map<string, Piece>();
  for (let id = 0; id < vocab.length; id++) {
    if (id % sliceOfEntries === sliceOfEntries - 1) yield;
    const entry: unknown = vocab[id];
    const [piece, score] = Array.isArray(entry) && entry.length === 2 ? entry : [];
    if (typeof piece !== "string" || typeof score !== "number" || !Number.isFinite(score))
      throw wrongField(`model.vocab[${id}]`, "a piece and its score", entry);
    if (piece.length > longestPiece)
      throw wrongField(`model.vocab[${id}]`, `a piece of at most ${longestPiece} characters`, `${piece.length} characters`);
    known.set(piece, { id, score });
  }
  return known;
}
