import { TsumugiError } from "../errors.ts";
import { isRecord, listOf } from "../util/json-value.ts";
import { createBpe, hasAllBytes } from "./bpe.ts";
import { createJapaneseSubwords } from "./japanese-subwords.ts";
import { modelTypeOf } from "./model-type.ts";
import type { TokenModel } from "./token-model.ts";
import { createUnigram } from "./unigram.ts";
import type { WordModel } from "./word-model.ts";
import { createWordLevel, createWordPiece } from "./word-piece.ts";

/**
 * Builds the model. `endsInBytes` says that the pre-tokenizer ends with the step that writes bytes as characters, which BPE
 * then does itself. Errors: `unsupported_tokenizer`, `invalid_tokenizer_file`.
 */
export function createTokenModel(tokenizerJson: unknown, endsInBytes: boolean): TokenModel {
  if (!isRecord(tokenizerJson) || !isRecord(tokenizerJson.model))
    throw new TsumugiError("unsupported_tokenizer", { what: "tokenizer.json without `model`", given: typeof tokenizerJson });
  const config = tokenizerJson.model;
  const type = modelTypeOf(config);
  if (type === "JapaneseSubwords") return createJapaneseSubwords(config);
  const ids = vocabularyOf(config.vocab, type);
  const tokens: (string | undefined)[] = Array.isArray(config.vocab)
    ? config.vocab.map((entry) => String(listOf(entry)[0]))
    : [];
  for (const [token, id] of ids) tokens[id] = token;
  const takesBytes = endsInBytes && type === "BPE" && !config.continuing_subword_prefix && !config.end_of_word_suffix;
  const bytes = takesBytes && hasAllBytes(ids);
  return {
    words: createWords(type, config, ids, bytes),
    takesBytes: bytes,
    ids,
    tokens,
    size: Array.isArray(config.vocab) ? config.vocab.length : ids.size,
    type,
  };
}

function createWords(
  type: string,
  config: Record<string, unknown>,
  ids: ReadonlyMap<string, number>,
  bytes: boolean,
): WordModel {
  switch (type) {
    case "BPE":
      return createBpe(config, ids, { bytes });
    case "Unigram":
      return createUnigram(config);
    case "WordPiece":
      return createWordPiece(config, ids);
    case "WordLevel":
      return createWordLevel(config, ids);
    default:
      throw new TsumugiError("unsupported_tokenizer", { what: "model", given: type });
  }
}

/** Unigram lists its pieces with their scores, in the order of their ids; the others have a table of ids. */
function vocabularyOf(vocab: unknown, type: string): Map<string, number> {
  if (Array.isArray(vocab) && type !== "Unigram") throw invalid(`is a list, but a ${type} model has a table of ids`);
  if (Array.isArray(vocab)) return new Map(vocab.map((entry, id) => [String(listOf(entry)[0]), id]));
  if (!isRecord(vocab)) throw new TsumugiError("unsupported_tokenizer", { what: "model.vocab", given: typeof vocab });
  const ids = new Map(Object.entries(vocab as Record<string, number>));
  for (const [token, id] of ids) {
    const isId = Number.isInteger(id) && id >= 0 && id < 2 ** 31;
    if (!isId) throw invalid(`gives the token ${JSON.stringify(token)} the id ${JSON.stringify(id)}, which is no token id`);
  }
  return ids;
}

function invalid(problem: string): TsumugiError {
  return new TsumugiError("invalid_tokenizer_file", { file: "tokenizer.json", reason: `\`model.vocab\` ${problem}` });
}
