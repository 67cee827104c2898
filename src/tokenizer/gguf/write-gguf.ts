import { TsumugiError } from "../../errors.ts";
import type { GgufWriteValue } from "../../util/gguf-value.ts";
import { isRecord, listOf } from "../../util/json-value.ts";
import { tokenText } from "../token-spec.ts";
import { bpeKindName, digitPattern, gptPattern } from "./pre-tokenizers.ts";

type Json = Readonly<Record<string, unknown>>;
type Metadata = { [key: string]: GgufWriteValue };

const types = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 };

/**
 * The metadata of a GGUF file that say what a tokenizer.json and a tokenizer_config.json do: byte-level BPE whose cutting llama.cpp
 * has a name for, SentencePiece's BPE, and Unigram.
 *
 * @param size rows of the embedding: further tokens are filled up to it
 * @throws TsumugiError `unsupported_tokenizer` for what such files cannot say
 * @example
 * ```ts
 * const metadata = ggufTokenizerMetadata(tokenizerJson, tokenizerConfig, config.vocab_size);
 * ```
 */
export function ggufTokenizerMetadata(tokenizerJson: Json, tokenizerConfig: Json, size: number): Metadata {
  const model = isRecord(tokenizerJson.model) ? tokenizerJson.model : {};
  const tokens = tokensOf(tokenizerJson, model, size);
  const own =
    model.type === "Unigram"
      ? unigram(tokenizerJson, model, tokens)
      : model.type !== "BPE"
        ? refuse("a model of this type in a GGUF file", model.type)
        : model.byte_fallback === true
          ? sentencePiece(tokenizerJson, model, tokens)
          : byteLevel(tokenizerJson, model);
  return prefixed({
    ...own,
    tokens: { type: "array", of: "string", values: tokens.map(({ text }) => text) },
    token_type: { type: "array", of: "int32", values: tokens.map(({ type }) => type) },
    ...specials(tokenizerJson, tokenizerConfig, tokens),
    ...templates(tokenizerConfig.chat_template),
  });
}

interface Token {
  text: string;
  type: number;
}

/** Keys that stand beside those of ggml's tokenizers. */
const prefixed = (metadata: Metadata): Metadata =>
  Object.fromEntries(
    Object.entries(metadata).map(([key, value]) => [
      key.startsWith("chat_template") ? `tokenizer.${key}` : `tokenizer.ggml.${key}`,
      value,
    ]),
  );

function tokensOf(json: Json, model: Json, size: number): Token[] {
  const vocab = Array.isArray(model.vocab)
    ? model.vocab.map((entry, id) => [String(entry?.[0]), id] as const)
    : Object.entries(isRecord(model.vocab) ? model.vocab : {});
  const tokens: Token[] = [];
  const put = (id: unknown, text: string, type: number) => {
    if (Number.isInteger(id) && (id as number) >= 0 && (id as number) < size) tokens[id as number] = { text, type };
  };
  for (const [text, id] of vocab) put(id, text, /^<0x[0-9A-F]{2}>$/.test(text) ? types.byte : types.normal);
  for (const added of listOf(json.added_tokens)) {
    if (!isRecord(added)) continue;
    const text = String(added.content);
    const special = text === tokenText(model.unk_token) ? types.unknown : types.control;
    put(added.id, text, added.special === true ? special : types.userDefined);
  }
  return Array.from({ length: size }, (_, id) => tokens[id] ?? { text: `[PAD${id}]`, type: types.unused });
}

function mergesOf(model: Json): [string, string][] {
  return listOf(model.merges).map((merge) => {
    if (Array.isArray(merge)) return [String(merge[0]), String(merge[1])];
    const text = String(merge);
    const cut = text.indexOf(" ", 1);
    return [text.slice(0, cut), text.slice(cut + 1)];
  });
}

/** Steps of a pre-tokenizer or normalizer, one after another. */
function stepsOf(part: unknown): Json[] {
  if (!isRecord(part)) return [];
  if (part.type !== "Sequence") return [part];
  return [...listOf(part.pretokenizers), ...listOf(part.normalizers)].flatMap(stepsOf);
}

function byteLevel(json: Json, model: Json): Metadata {
  const steps = stepsOf(json.pre_tokenizer);
  const last = steps.at(-1);
  if (last?.type !== "ByteLevel")
    return refuse("BPE without bytes or byte fallback in a GGUF file", last?.type ?? "no pre-tokenizer");
  const patterns = steps.flatMap((step) => {
    if (step.type === "Split" && isRecord(step.pattern)) return [String(step.pattern.Regex ?? step.pattern.String)];
    if (step.type === "Digits" && step.individual_digits === true) return [digitPattern];
    return step.type === "ByteLevel" && step.use_regex !== false ? [gptPattern] : [];
  });
  const pre = bpeKindName(patterns, model.ignore_merges === true);
  if (pre === undefined) return refuse("a pre-tokenizer that llama.cpp has no name for", patterns.join(" then "));
  return {
    model: { type: "string", value: "gpt2" },
    pre: { type: "string", value: pre },
    merges: { type: "array", of: "string", values: mergesOf(model).map((merge) => merge.join(" ")) },
    ...(last.add_prefix_space === true && { add_space_prefix: { type: "bool", value: true } as const }),
  };
}

/** Scores fall with the place of the merge that makes a piece; single characters come last. */
function sentencePiece(json: Json, model: Json, tokens: readonly Token[]): Metadata {
  const made = new Map<string, number>();
  const merges = mergesOf(model);
  for (const [index, [left, right]] of merges.entries()) if (!made.has(left + right)) made.set(left + right, index);
  const score = ({ text, type }: Token, id: number) => (type === types.normal ? -(made.get(text) ?? merges.length + id) : 0);
  const marks = [...stepsOf(json.normalizer), ...stepsOf(json.pre_tokenizer)];
  const hasPrefix = marks.some(
    ({ type, prepend_scheme: scheme, add_prefix_space: old }) =>
      type === "Prepend" || (type === "Metaspace" && scheme !== "never" && old !== false),
  );
  return {
    model: { type: "string", value: "llama" },
    pre: { type: "string", value: "default" },
    scores: { type: "array", of: "float32", values: tokens.map(score) },
    add_space_prefix: { type: "bool", value: hasPrefix },
  };
}

function unigram(json: Json, model: Json, tokens: readonly Token[]): Metadata {
  const scores = listOf(model.vocab).map((entry) => Number(Array.isArray(entry) ? entry[1] : 0));
  const table = stepsOf(json.normalizer).find(({ type }) => type === "Precompiled")?.precompiled_charsmap;
  const bytes = typeof table === "string" ? Array.from(atob(table), (character) => character.charCodeAt(0)) : [];
  const steps = stepsOf(json.pre_tokenizer);
  const signed = (byte: number) => (byte << 24) >> 24;
  return {
    model: { type: "string", value: "t5" },
    scores: { type: "array", of: "float32", values: tokens.map((_, id) => scores[id] ?? 0) },
    ...(bytes.length > 0 && { precompiled_charsmap: { type: "array", of: "int32", values: bytes.map(signed) } as const }),
    add_space_prefix: {
      type: "bool",
      value: steps.some(({ type, prepend_scheme: scheme }) => type === "Metaspace" && scheme !== "never"),
    },
    remove_extra_whitespaces: { type: "bool", value: steps.some(({ type }) => type === "WhitespaceSplit") },
  };
}

const named = [
  ["bos_token", "bos"],
  ["eos_token", "eos"],
  ["unk_token", "unknown"],
  ["pad_token", "padding"],
  ["mask_token", "mask"],
] as const;

/** Ids of special tokens, and whether they are put around texts. */
function specials(json: Json, config: Json, tokens: readonly Token[]): Metadata {
  const places = new Map(tokens.map(({ text }, id) => [text, id]));
  const ids = named.flatMap(([name, key]) => {
    const id = places.get(tokenText(config[name]) ?? "");
    return id === undefined ? [] : [[`${key}_token_id`, { type: "uint32", value: id } as const] as const];
  });
  const isPut = (name: "bos_token" | "eos_token") => {
    const flag = config[`add_${name}`];
    return typeof flag === "boolean" ? flag : putTokens(json.post_processor).includes(tokenText(config[name]) ?? "\u0000");
  };
  return {
    ...Object.fromEntries(ids),
    add_bos_token: { type: "bool", value: isPut("bos_token") },
    add_eos_token: { type: "bool", value: isPut("eos_token") },
  };
}

/** Tokens that a post-processor puts around a text. */
function putTokens(processor: unknown): string[] {
  if (!isRecord(processor)) return [];
  const own = listOf(processor.single).flatMap((piece) => {
    return isRecord(piece) && isRecord(piece.SpecialToken) ? [String(piece.SpecialToken.id)] : [];
  });
  return [...own, ...listOf(processor.processors).flatMap(putTokens)];
}

function templates(given: unknown): Metadata {
  if (typeof given === "string") return { chat_template: { type: "string", value: given } };
  const entries = listOf(given).flatMap((entry) => {
    if (!isRecord(entry)) return [];
    const key = entry.name === "default" ? "chat_template" : `chat_template.${String(entry.name)}`;
    return [[key, { type: "string", value: String(entry.template) } as const] as const];
  });
  return Object.fromEntries(entries);
}

function refuse(what: string, given: unknown): never {
  throw new TsumugiError("unsupported_tokenizer", { what, given });
}
