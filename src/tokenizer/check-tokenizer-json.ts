import { TsumugiError } from "../errors.ts";
import { isRecord } from "../util/json-value.ts";
import {
  character,
  count,
  defaulted,
  type FieldCheck,
  fields,
  flag,
  kinds,
  list,
  oneField,
  oneName,
  optional,
  record,
  table,
  text,
  tokenId,
  tuple,
  wrongField,
} from "./field-checks.ts";

/**
 * Holds the parts of a tokenizer.json to the types that the Rust library reads, so that a damaged file is refused when it is
 * loaded and never when it is used. Errors: `invalid_tokenizer_file`; `unsupported_tokenizer` of a kind that is unknown.
 *
 * The large tables, `model.vocab` and `model.merges`, are held to theirs where they are read.
 */
export function checkTokenizerJson(tokenizerJson: unknown): void {
  if (!isRecord(tokenizerJson) || !isRecord(tokenizerJson.model))
    throw new TsumugiError("unsupported_tokenizer", { what: "tokenizer.json without `model`", given: typeof tokenizerJson });
  for (const [name, check] of Object.entries(parts)) check(tokenizerJson[name], name, 2);
}

const pattern = oneField({ String: text, Regex: text });
const behavior = oneName("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous");

const replace = fields({ pattern, content: text });
const byteLevel = fields({ add_prefix_space: flag, trim_offsets: flag, use_regex: defaulted(flag) });
const metaspaceFields = fields({
  replacement: character,
  add_prefix_space: optional(flag),
  prepend_scheme: defaulted(oneName("first", "never", "always")),
  split: optional(flag),
});
const metaspace: FieldCheck = (value, path, depth) => {
  metaspaceFields(value, path, depth);
  const { add_prefix_space: prefix, prepend_scheme: scheme } = value as Record<string, unknown>;
  if (prefix === false && scheme !== undefined && scheme !== "never")
    throw wrongField(`${path}.prepend_scheme`, '"never" where `add_prefix_space` is false', scheme);
};

const normalizer = kinds("normalizer", () => normalizers);
const normalizers: { readonly [type: string]: FieldCheck } = {
  Sequence: fields({ normalizers: list(normalizer) }),
  NFC: record,
  NFD: record,
  NFKC: record,
  NFKD: record,
  Nmt: record,
  Lowercase: record,
  StripAccents: record,
  ByteLevel: record,
  Strip: fields({ strip_left: flag, strip_right: flag }),
  Prepend: fields({ prepend: text }),
  Replace: replace,
  BertNormalizer: fields({ clean_text: flag, handle_chinese_chars: flag, strip_accents: optional(flag), lowercase: flag }),
  Precompiled: fields({ precompiled_charsmap: optional(text) }),
};

const preTokenizer = kinds("pre_tokenizer", () => preTokenizers);
const preTokenizers: { readonly [type: string]: FieldCheck } = {
  Sequence: fields({ pretokenizers: list(preTokenizer) }),
  ByteLevel: byteLevel,
  Metaspace: metaspace,
  Split: fields({ pattern, behavior, invert: flag }),
  Punctuation: fields({ behavior: defaulted(behavior) }),
  Digits: fields({ individual_digits: flag }),
  Whitespace: record,
  WhitespaceSplit: record,
  BertPreTokenizer: record,
  CharDelimiterSplit: fields({ delimiter: character }),
  FixedLength: fields({ length: defaulted(count) }),
};

const piece = oneField({
  Sequence: fields({ id: oneName("A", "B"), type_id: tokenId }),
  SpecialToken: fields({ id: text, type_id: tokenId }),
});
const specialToken = fields({ id: text, ids: list(tokenId), tokens: list(text) });
const named = tuple(text, tokenId);
const postProcessor = kinds("post_processor", () => postProcessors);
const postProcessors: { readonly [type: string]: FieldCheck } = {
  Sequence: fields({ processors: list(postProcessor) }),
  ByteLevel: byteLevel,
  TemplateProcessing: fields({ single: list(piece), pair: list(piece), special_tokens: table(specialToken) }),
  BertProcessing: fields({ sep: named, cls: named }),
  RobertaProcessing: fields({ sep: named, cls: named, trim_offsets: flag, add_prefix_space: flag }),
};

const decoder = kinds("decoder", () => decoders);
const decoders: { readonly [type: string]: FieldCheck } = {
  Sequence: fields({ decoders: list(decoder) }),
  ByteLevel: byteLevel,
  Metaspace: metaspace,
  Replace: replace,
  ByteFallback: record,
  Fuse: record,
  Strip: fields({ content: character, start: count, stop: count }),
  WordPiece: fields({ prefix: text, cleanup: flag }),
  BPEDecoder: fields({ suffix: text }),
  CTC: fields({ pad_token: text, word_delimiter_token: text, cleanup: flag }),
  // tsumugi's own, of converted files
  Trim: record,
};

const share: FieldCheck = (value, path) => {
  if (typeof value !== "number" || !(value >= 0 && value <= 1)) throw wrongField(path, "a number from 0 to 1", value);
};
const models: { readonly [type: string]: FieldCheck } = {
  BPE: fields({
    dropout: optional(share),
    unk_token: optional(text),
    continuing_subword_prefix: optional(text),
    end_of_word_suffix: optional(text),
    fuse_unk: optional(flag),
    byte_fallback: optional(flag),
    ignore_merges: optional(flag),
  }),
  Unigram: fields({ unk_id: optional(count), byte_fallback: defaulted(flag) }),
  WordPiece: fields({ unk_token: text, continuing_subword_prefix: text, max_input_chars_per_word: count }),
  WordLevel: fields({ unk_token: text }),
};
/** Holds the fields of a model of a type to their types, but for its tables. Error: `invalid_tokenizer_file`. */
export function checkModel(type: string, config: unknown): void {
  if (Object.hasOwn(models, type)) models[type]?.(config, "model", 2);
}

const addedToken = fields({
  id: tokenId,
  content: text,
  single_word: flag,
  lstrip: flag,
  rstrip: flag,
  normalized: flag,
  special: flag,
});

const parts: { readonly [name: string]: FieldCheck } = {
  added_tokens: defaulted(list(addedToken)),
  normalizer: optional(normalizer),
  pre_tokenizer: optional(preTokenizer),
  post_processor: optional(postProcessor),
  decoder: optional(decoder),
};
