import { TsumugiError } from "../errors.ts";
import { isRecord } from "../util/json-value.ts";
import { showValue } from "../util/show-value.ts";
import { readSpecialTokens, type SpecialTokenSettings } from "./special-token-settings.ts";
import type { ChatTemplates, Side, TokenizerFiles } from "./tokenizer.ts";

/** What tokenizer_config.json, special_tokens_map.json and tokenizer.json say beside the vocabulary. */
export interface TokenizerSettings {
  special: SpecialTokenSettings;
  /** Whether special tokens that stand in a text are read as text. */
  splitSpecialTokens: boolean;
  paddingSide: Side;
  truncationSide: Side;
  modelMaxLength: number;
  cleanUp: boolean;
  chatTemplate: ChatTemplates;
}

/**
 * Reads the settings. tokenizer.json's own padding and truncation give defaults and are otherwise reset (transformers 5).
 * `add_bos_token` and `add_eos_token` are not read: beside a tokenizer.json transformers 5 drops them.
 *
 * Errors: `invalid_tokenizer_file`.
 */
export function readSettings(files: TokenizerFiles): TokenizerSettings {
  const json = isRecord(files.tokenizerJson) ? files.tokenizerJson : {};
  const config = isRecord(files.tokenizerConfig) ? files.tokenizerConfig : {};
  const padding = isRecord(json.padding) ? json.padding : {};
  const truncation = isRecord(json.truncation) ? json.truncation : {};
  return {
    special: readSpecialTokens(files),
    splitSpecialTokens: splitOf(config),
    paddingSide: sideOf(config, "padding_side", padding.direction),
    truncationSide: sideOf(config, "truncation_side", truncation.direction),
    modelMaxLength: maxLengthOf(config),
    cleanUp: config.clean_up_tokenization_spaces === true,
    chatTemplate: readChatTemplates(files, config.chat_template),
  };
}

/** The longest input in tokens. `max_len` is the older name; null, as a number of more than 20 digits, means none. */
function maxLengthOf(config: Record<string, unknown>): number {
  const key = "model_max_length" in config ? "model_max_length" : "max_len";
  const given = config[key];
  if (given === undefined || given === null) return Number.POSITIVE_INFINITY;
  if (typeof given !== "number") throw invalid(key, "must be a number of tokens", given);
  return given > 1e20 ? Number.POSITIVE_INFINITY : given;
}

function splitOf({ split_special_tokens: given = false }: Record<string, unknown>): boolean {
  if (typeof given === "boolean") return given;
  throw invalid("split_special_tokens", "must be true or false", given);
}

/** chat_template.jinja and additional_chat_templates/*.jinja win over `chat_template`, which is a text or a named list. */
function readChatTemplates(files: TokenizerFiles, configured: unknown): ChatTemplates {
  const additional = files.additionalChatTemplates ?? {};
  if (files.chatTemplateJinja !== undefined || Object.keys(additional).length > 0) {
    if (Object.keys(additional).length === 0) return files.chatTemplateJinja;
    return files.chatTemplateJinja === undefined ? additional : { default: files.chatTemplateJinja, ...additional };
  }
  if (typeof configured === "string") return configured;
  if (Array.isArray(configured)) {
    const pairs = configured.filter(isRecord).map((entry) => [String(entry.name), String(entry.template)] as const);
    return pairs.length === 0 ? undefined : Object.fromEntries(pairs);
  }
  if (isRecord(configured)) return Object.fromEntries(Object.entries(configured).map(([name, text]) => [name, String(text)]));
  return undefined;
}

/** `left` or `right`; tokenizer.json writes its `direction` with a capital. */
function sideOf(config: Record<string, unknown>, key: string, direction: unknown): Side {
  const given = key in config ? config[key] : direction === "Left" ? "left" : "right";
  if (given === "left" || given === "right") return given;
  throw invalid(key, 'must be "left" or "right"', given);
}

function invalid(key: string, problem: string, given: unknown): TsumugiError {
  const reason = `\`${key}\` ${problem}. Given: ${showValue(given)}`;
  return new TsumugiError("invalid_tokenizer_file", { file: "tokenizer_config.json", reason });
}
