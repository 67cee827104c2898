import { TsumugiError } from "../errors.ts";
import { isRecord } from "../util/json-value.ts";
import { readMerges } from "./read-merges.ts";
import { readTokenTable } from "./read-vocabulary.ts";
import { finished } from "./slices.ts";

/** Kinds of models that older files, which do not name theirs, are tried as, in this order. */
const kinds: Readonly<Record<string, (config: Record<string, unknown>) => boolean>> = {
  BPE: isBpe,
  // A WordLevel has some of the fields of a WordPiece, so that has to come first.
  WordPiece: (config) =>
    isWordLevel(config) && isText(config.continuing_subword_prefix) && isId(config.max_input_chars_per_word),
  WordLevel: isWordLevel,
  Unigram: (config) => Array.isArray(config.vocab) && config.vocab.every(isScoredPiece) && isId(config.unk_id ?? 0),
};

/**
 * The kind of a tokenizer.json's model: its `type`, or, where an older file has none, the first kind whose fields it has.
 *
 * Errors: `unsupported_tokenizer`. Source: huggingface/tokenizers `ModelWrapper::deserialize`.
 */
export function modelTypeOf(config: Record<string, unknown>): string {
  if (typeof config.type === "string") return config.type;
  if (config.type !== undefined) throw new TsumugiError("unsupported_tokenizer", { what: "model.type", given: config.type });
  const found = Object.keys(kinds).find((kind) => kinds[kind]?.(config));
  if (found !== undefined) return found;
  const what = `model without \`type\`, whose fields are those of none of ${Object.keys(kinds).join(", ")}`;
  throw new TsumugiError("unsupported_tokenizer", { what, given: Object.keys(config) });
}

function isBpe({ vocab, merges, continuing_subword_prefix }: Record<string, unknown>): boolean {
  if (!isTable(vocab) || !Array.isArray(merges)) return false;
  try {
    const prefix = isText(continuing_subword_prefix) ? continuing_subword_prefix : "";
    finished(readMerges(merges, finished(readTokenTable(vocab)), prefix));
    return true;
  } catch (error) {
    if (TsumugiError.isInstance(error)) return false;
    throw error;
  }
}

function isWordLevel(config: Record<string, unknown>): boolean {
  return isTable(config.vocab) && isText(config.unk_token);
}

function isTable(value: unknown): boolean {
  if (value instanceof Map) return [...value.values()].every(isId);
  return isRecord(value) && Object.values(value).every(isId);
}

function isScoredPiece(value: unknown): boolean {
  return Array.isArray(value) && value.length === 2 && isText(value[0]) && typeof value[1] === "number";
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isId(value: unknown): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= 0;
}
