import { TsumugiError } from "../errors.ts";
import { isRecord, listOf } from "../util/json-value.ts";
import { convertByteLevel } from "./convert-byte-level.ts";
import { convertJapaneseSubwords } from "./convert-japanese-subwords.ts";
import { convertSentencePiece } from "./convert-sentencepiece.ts";
import { readSentencePieceModel } from "./sentencepiece-model.ts";
import { specialTokenNames } from "./special-token-settings.ts";
import { tokenText } from "./token-spec.ts";
import { tokenizerClassOf } from "./tokenizer-class.ts";

/** The files of a checkpoint without tokenizer.json. */
export interface CheckpointFiles {
  config?: unknown;
  tokenizerConfig?: unknown;
  specialTokensMap?: unknown;
  /** Content of added_tokens.json. */
  addedTokens?: unknown;
  /** A SentencePiece model with its name. */
  sentencePiece?: { file: string; bytes: Uint8Array } | undefined;
  /** Content of vocab.json and text of merges.txt. */
  vocab?: unknown;
  merges?: string | undefined;
  /** Text of vocab.txt and content of emoji.json. */
  words?: string | undefined;
  emoji?: unknown;
}

/**
 * What `createTokenizer` takes, beside special_tokens_map.json and added_tokens.json: a tokenizer.json and a
 * tokenizer_config.json with the class's own settings filled in.
 */
export interface ConvertedTokenizer {
  tokenizerJson: Record<string, unknown>;
  tokenizerConfig: Record<string, unknown>;
  /** Whether BOS and EOS are put around texts; undefined where the class has a post-processor of its own. */
  addBosToken?: boolean;
  addEosToken?: boolean;
}

/**
 * Makes a tokenizer.json, in memory, of a SentencePiece model, of vocab.json and merges.txt, or of vocab.txt and emoji.json
 * (GPT-NeoX Japanese), as the classes of transformers 5.18 do: by `tokenizer_class`, or by the model's type. `undefined` where there are no such files.
 *
 * Errors: `invalid_tokenizer_file`, `unsupported_tokenizer`.
 */
export function convertCheckpoint(files: CheckpointFiles): ConvertedTokenizer | undefined {
  const config = withAddedTokens(files);
  const name = tokenizerClassOf(files.config, config);
  const converted = files.sentencePiece
    ? convertSentencePiece(readSentencePieceModel(files.sentencePiece.bytes, files.sentencePiece.file), name, config)
    : files.vocab !== undefined && files.merges !== undefined
      ? convertByteLevel(files.vocab, files.merges, name, config)
      : name === "GPTNeoXJapaneseTokenizer" && files.words !== undefined && files.emoji !== undefined
        ? convertJapaneseSubwords(files.words, files.emoji, config)
        : undefined;
  if (!converted) return undefined;
  const tokenizerConfig = { ...converted.defaults, ...(isRecord(files.tokenizerConfig) ? files.tokenizerConfig : {}) };
  const added_tokens = withSpecials(converted.tokenizerJson.added_tokens, { ...tokenizerConfig, ...mapOf(files) });
  const tokenizerJson: Record<string, unknown> = { ...converted.tokenizerJson, added_tokens };
  if (tokenizerJson.post_processor !== null) return { tokenizerJson, tokenizerConfig };
  return {
    ...{ tokenizerJson, tokenizerConfig },
    ...{ addBosToken: config.add_bos_token === true, addEosToken: config.add_eos_token === true },
  };
}

/** What the recipes read: tokenizer_config.json, with added_tokens.json where it has no `added_tokens_decoder`. */
function withAddedTokens(files: CheckpointFiles): Record<string, unknown> {
  const config = isRecord(files.tokenizerConfig) ? files.tokenizerConfig : {};
  if (isRecord(config.added_tokens_decoder) || files.addedTokens === undefined) return config;
  if (!isRecord(files.addedTokens) || Object.values(files.addedTokens).some((id) => typeof id !== "number"))
    throw new TsumugiError("invalid_tokenizer_file", { file: "added_tokens.json", reason: "it is not a table of ids" });
  const entries = Object.entries(files.addedTokens).map(([content, id]) => [String(id), { content }] as const);
  return { ...config, added_tokens_decoder: Object.fromEntries(entries) };
}

/** special_tokens_map.json wins, but beside tokenizer_config.json's `added_tokens_decoder` it is not read. */
function mapOf({ specialTokensMap, tokenizerConfig }: CheckpointFiles): Record<string, unknown> {
  if (isRecord(tokenizerConfig) && isRecord(tokenizerConfig.added_tokens_decoder)) return {};
  return isRecord(specialTokensMap) ? specialTokensMap : {};
}

/** Symbols that the configuration names are special, whatever the model says of them. */
function withSpecials(added: unknown, config: Record<string, unknown>): unknown[] {
  const extra = config.extra_special_tokens ?? config.additional_special_tokens;
  const specs = [...specialTokenNames.map((name) => config[name]), ...(isRecord(extra) ? Object.values(extra) : listOf(extra))];
  const names = new Set(specs.map((spec) => tokenText(spec)));
  return listOf(added).map((token) =>
    isRecord(token) && names.has(String(token.content)) ? { ...token, special: true } : token,
  );
}
