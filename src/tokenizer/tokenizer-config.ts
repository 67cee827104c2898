import { isRecord, listOf } from "../util/json-value.ts";
import type { AddedToken } from "./added-vocabulary.ts";
import type { ChatTemplates, Side, SpecialTokenName, TokenizerFiles } from "./tokenizer.ts";

/** The names of special tokens, in the order in which transformers lists them. */
export const specialTokenNames: readonly SpecialTokenName[] = [
  "bos_token",
  "eos_token",
  "unk_token",
  "sep_token",
  "pad_token",
  "cls_token",
  "mask_token",
];

/** A token as a configuration file writes it: its text, and whatever flags stand beside it. */
export type TokenSpec = { content: string } & Partial<Omit<AddedToken, "id" | "content">> & { id?: number };

/** What tokenizer_config.json, special_tokens_map.json and tokenizer.json say beside the vocabulary. */
export interface TokenizerSettings {
  named: Partial<Record<SpecialTokenName, TokenSpec>>;
  extra: TokenSpec[];
  addedTokens: TokenSpec[];
  paddingSide: Side;
  truncationSide: Side;
  modelMaxLength: number;
  cleanUp: boolean;
  chatTemplate: ChatTemplates;
}

/**
 * Reads the settings. special_tokens_map.json counts only beside a tokenizer_config.json without `added_tokens_decoder`, and
 * then wins over it; tokenizer.json's own padding and truncation give defaults and are otherwise reset (transformers 5).
 * `add_bos_token` and `add_eos_token` are not read: beside a tokenizer.json transformers 5 drops them.
 */
export function readSettings(files: TokenizerFiles): TokenizerSettings {
  const json = isRecord(files.tokenizerJson) ? files.tokenizerJson : {};
  const config = isRecord(files.tokenizerConfig) ? files.tokenizerConfig : {};
  const map = isRecord(files.specialTokensMap) && !isRecord(config.added_tokens_decoder) ? files.specialTokensMap : {};
  const padding = isRecord(json.padding) ? json.padding : {};
  const truncation = isRecord(json.truncation) ? json.truncation : {};

  const named: TokenizerSettings["named"] = {};
  for (const name of specialTokenNames) {
    const fallback = name === "pad_token" ? padding.pad_token : undefined;
    const spec = tokenSpec(map[name] ?? config[name] ?? fallback);
    if (spec) named[name] = spec;
  }
  const extras =
    map.extra_special_tokens ??
    map.additional_special_tokens ??
    config.extra_special_tokens ??
    config.additional_special_tokens;
  const extra = (isRecord(extras) ? Object.values(extras) : listOf(extras)).map(tokenSpec);
  const decoder = isRecord(config.added_tokens_decoder) ? Object.entries(config.added_tokens_decoder) : [];
  const addedTokens = decoder
    .map(([id, value]) => ({ id: Number(id), spec: tokenSpec(value) }))
    .sort((a, b) => a.id - b.id)
    .flatMap(({ id, spec }) => (spec ? [{ ...spec, id }] : []));
  const limit = Number(config.model_max_length ?? Number.POSITIVE_INFINITY);
  return {
    named,
    extra: extra.filter((spec) => spec !== undefined),
    addedTokens,
    paddingSide: sideOf(config.padding_side ?? padding.direction),
    truncationSide: sideOf(config.truncation_side ?? truncation.direction),
    modelMaxLength: limit > 1e20 ? Number.POSITIVE_INFINITY : limit,
    cleanUp: config.clean_up_tokenization_spaces === true,
    chatTemplate: readChatTemplates(files, config.chat_template),
  };
}

/** An entry of tokenizer.json's `added_tokens`, or of tokenizer_config.json. */
export function tokenSpec(value: unknown): TokenSpec | undefined {
  if (typeof value === "string") return { content: value };
  if (!isRecord(value) || typeof value.content !== "string") return undefined;
  const spec: TokenSpec = { content: value.content };
  if (typeof value.id === "number") spec.id = value.id;
  if (typeof value.single_word === "boolean") spec.singleWord = value.single_word;
  if (typeof value.lstrip === "boolean") spec.lstrip = value.lstrip;
  if (typeof value.rstrip === "boolean") spec.rstrip = value.rstrip;
  if (typeof value.normalized === "boolean") spec.normalized = value.normalized;
  if (typeof value.special === "boolean") spec.special = value.special;
  return spec;
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

function sideOf(value: unknown): Side {
  return String(value).toLowerCase() === "left" ? "left" : "right";
}
