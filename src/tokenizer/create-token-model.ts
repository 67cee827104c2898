import { TsumugiError } from "../errors.ts";
import { isRecord } from "../util/json-value.ts";
import { createBpe, hasAllBytes } from "./bpe.ts";
import { checkModel } from "./check-tokenizer-json.ts";
import { wrongField } from "./field-checks.ts";
import { createJapaneseSubwords } from "./japanese-subwords.ts";
import { modelTypeOf } from "./model-type.ts";
import { readPieces, readTokenTable, sliceOfEntries } from "./read-vocabulary.ts";
import type { TokenModel } from "./token-model.ts";
import { TokenStrings } from "./token-strings.ts";
import { createUnigram } from "./unigram.ts";
import { createWordLevel, createWordPiece } from "./word-piece.ts";

/**
 * Builds the model, in steps. `endsInBytes` says that the pre-tokenizer ends with the step that writes bytes as characters,
 * which BPE then does itself. Errors: `unsupported_tokenizer`, `invalid_tokenizer_file`.
 */
export function* createTokenModel(tokenizerJson: unknown, endsInBytes: boolean): Generator<void, TokenModel> {
  if (!isRecord(tokenizerJson) || !isRecord(tokenizerJson.model))
    throw new TsumugiError("unsupported_tokenizer", { what: "tokenizer.json without `model`", given: typeof tokenizerJson });
  const config = tokenizerJson.model;
  const type = modelTypeOf(config);
  checkModel(type, config);
  if (type === "JapaneseSubwords") return createJapaneseSubwords(config);
  if (type === "Unigram") return yield* unigramModel(config);
  if (type !== "BPE" && type !== "WordPiece" && type !== "WordLevel")
    throw new TsumugiError("unsupported_tokenizer", { what: "model", given: type });
  if (Array.isArray(config.vocab))
    throw wrongField("model.vocab", `an object (a ${type} model has a table of ids)`, config.vocab);
  const ids = yield* readTokenTable(config.vocab);
  const tokens = new TokenStrings(ids.size);
  yield* fill(tokens, ids);
  const takesBytes = endsInBytes && type === "BPE" && !config.continuing_subword_prefix && !config.end_of_word_suffix;
  const bytes = takesBytes && hasAllBytes(ids);
  const words =
    type === "BPE"
      ? yield* createBpe(config, ids, { bytes })
      : type === "WordPiece"
        ? createWordPiece(config, ids)
        : createWordLevel(config, ids);
  return { words, takesBytes: bytes, ids, tokens, size: ids.size, type };
}

/** Unigram lists its pieces with their scores, in the order of their ids. */
function* unigramModel(config: Record<string, unknown>): Generator<void, TokenModel> {
  const pieces = yield* readPieces(config.vocab);
  const vocab = config.vocab as [piece: string, score: number][];
  if (typeof config.unk_id === "number" && config.unk_id >= vocab.length)
    throw wrongField("model.unk_id", `below ${vocab.length}, the number of pieces`, config.unk_id);
  const ids = new Map<string, number>();
  let count = 0;
  for (const [piece, { id }] of pieces) {
    if (++count % sliceOfEntries === 0) yield;
    ids.set(piece, id);
  }
  const tokens = new TokenStrings(vocab.length);
  for (const [id, [piece]] of vocab.entries()) tokens.set(id, piece);
  yield;
  const words = yield* createUnigram(config, pieces);
  return { words, takesBytes: false, ids, tokens, size: vocab.length, type: "Unigram" };
}

function* fill(tokens: TokenStrings, ids: ReadonlyMap<string, number>): Generator<void, void> {
  let count = 0;
  for (const [token, id] of ids) {
    if (++count % sliceOfEntries === 0) yield;
    tokens.set(id, token);
  }
}
