import { TsumugiError } from "../errors.ts";
import { isRecord, listOf } from "../util/json-value.ts";
import { showValue } from "../util/show-value.ts";
import { readTokenSpec, TokenSpec } from "./token-spec.ts";
import type { SpecialTokenName, TokenizerFiles } from "./tokenizer.ts";

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

/** What the files beside the vocabulary say of special and added tokens. */
export interface SpecialTokenSettings {
  /** Named tokens by name: the usual names first, then those of this model alone (`image_token`). */
  named: ReadonlyMap<string, string>;
  /** Special tokens without names. */
  extra: readonly string[];
  /** The tokens to add to those of tokenizer.json, in order. */
  added: readonly TokenSpec[];
}

/** A configuration whose added tokens are read: values are JSON, or a `TokenSpec`. */
type Values = Map<string, unknown>;

const configFile = "tokenizer_config.json";
/** Where transformers 5 saves the tokens of this model alone. */
const ownKey = "model_specific_special_tokens";
const mapFile = "special_tokens_map.json";

/**
 * Reads tokenizer_config.json, special_tokens_map.json and added_tokens.json as transformers 5.18 does. The last two count
 * only beside a configuration without `added_tokens_decoder`; special_tokens_map.json then wins over it.
 *
 * A token that the files name is special, whatever the other places say of it; one of `extra_special_tokens` is special
 * unless a place says that it is not.
 *
 * Errors: `invalid_tokenizer_file`. Source: transformers `PreTrainedTokenizerBase._from_pretrained`, `TokenizersBackend`.
 */
export function readSpecialTokens(files: TokenizerFiles): SpecialTokenSettings {
  const values: Values = new Map(Object.entries(isRecord(files.tokenizerConfig) ? files.tokenizerConfig : {}));
  renameAdditional(values, isEmpty(values.get("extra_special_tokens")));
  const own = new Map<string, unknown>();
  for (const [key, value] of values) if (isOwnName(key) && typeof value === "string") move(values, key, own);
  takeOwnExtra(values, own);
  if (own.size === 0) for (const [name, value] of recordOf(values, ownKey)) own.set(name, value);
  values.delete(ownKey);
  const json = isRecord(files.tokenizerJson) ? files.tokenizerJson : {};
  const decoder = values.has("added_tokens_decoder") ? decoderOf(values) : olderDecoder(files, json, values, own);
  if (!values.has("pad_token") && isRecord(json.padding)) values.set("pad_token", json.padding.pad_token);
  renameAdditional(values, !values.has("extra_special_tokens"));

  const named = new Map<string, string | TokenSpec>();
  for (const name of specialTokenNames) {
    const value = values.get(name);
    if (value !== undefined && value !== null) named.set(name, requiredToken(value, name));
  }
  const late = new Map<string, unknown>();
  takeOwnExtra(values, late);
  for (const [key, value] of late) named.set(key, requiredToken(value, key));
  for (const [key, value] of values) if (isOwnName(key) && isToken(value)) named.set(key, requiredToken(value, key));
  for (const [key, value] of own) named.set(key, requiredToken(value, key));
  const given = values.get("extra_special_tokens") ?? [];
  if (!Array.isArray(given)) throw refused("extra_special_tokens", "is neither a list nor a table of tokens", given);
  const extra = given.map((value, index) => requiredToken(value, `extra_special_tokens[${index}]`));

  const names = new Set([...named.values()].map(contentOf));
  const known = new Set(decoder.map(contentOf));
  for (const token of listOf(json.added_tokens)) if (isRecord(token)) known.add(String(token.content));
  // A text that is there twice counts where it is first, so that a token of the same text between the two keeps its flags.
  const missing = new Set([...named.values(), ...extra].filter((token) => !known.has(contentOf(token))));
  const added = [...decoder, ...missing].map((token) => {
    if (typeof token === "string") return new TokenSpec(token, { special: true });
    return names.has(token.content) ? token.with({ special: true }) : token;
  });
  return { named: new Map([...named].map(([name, token]) => [name, contentOf(token)])), extra: extra.map(contentOf), added };
}

/** `added_tokens_decoder`, in the order of its ids. */
function decoderOf(values: Values): TokenSpec[] {
  return recordOf(values, "added_tokens_decoder")
    .map(([id, value]) => ({ id: Number(id), spec: readTokenSpec(value, configFile, `added_tokens_decoder.${id}`) }))
    .sort((a, b) => a.id - b.id)
    .map(({ spec }) => spec);
}

/**
 * The same for a configuration without one: special_tokens_map.json's values take their places in it, and the decoder is made
 * of added_tokens.json and the tokens of tokenizer.json, of which the latter win where ids are the same.
 */
function olderDecoder(files: TokenizerFiles, json: Record<string, unknown>, values: Values, own: Values): TokenSpec[] {
  takeMap(files, values);
  if (values.has(ownKey)) throw refused(ownKey, `is not read from ${mapFile}`, values.get(ownKey));
  takeOwnExtra(values, own);
  const special = new Set<unknown>(listOf(values.get("extra_special_tokens")).map(contentIn));
  for (const name of specialTokenNames) special.add(contentIn(values.get(name)));
  const byId = new Map<number, TokenSpec>();
  for (const [content, id] of addedTokensOf(files)) {
    const isSpecial = special.has(content);
    byId.set(id, new TokenSpec(content, { special: isSpecial, normalized: !isSpecial }));
  }
  for (const [index, value] of listOf(json.added_tokens).entries()) {
    const id = isRecord(value) ? value.id : undefined;
    const spec = readTokenSpec(value, "tokenizer.json", `added_tokens[${index}]`);
    byId.set(typeof id === "number" ? id : -1 - index, spec);
  }
  return [...byId].sort(([a], [b]) => a - b).map(([, spec]) => spec);
}

/** Puts what special_tokens_map.json says in the configuration's place. */
function takeMap({ specialTokensMap }: TokenizerFiles, values: Values): void {
  if (!isRecord(specialTokensMap)) return;
  for (const [key, value] of Object.entries(specialTokensMap)) {
    if (key === "extra_special_tokens") values.set(key, Array.isArray(value) ? merged(values.get(key), value) : value);
    else values.set(key, isRecord(value) ? readTokenSpec(value, mapFile, key).with({ special: true }) : value);
  }
}

/** The configuration's extra tokens, then those of the map that are not among them. */
function merged(before: unknown, after: readonly unknown[]): unknown[] {
  const tokens = [...listOf(before)];
  for (const [index, value] of after.entries()) {
    const token = isRecord(value)
      ? readTokenSpec(value, mapFile, `extra_special_tokens[${index}]`).with({ special: true })
      : value;
    if (!tokens.includes(token)) tokens.push(token);
  }
  return tokens;
}

function addedTokensOf({ addedTokens }: TokenizerFiles): [content: string, id: number][] {
  if (addedTokens === undefined) return [];
  const isId = (value: unknown) => typeof value === "number" && Number.isInteger(value);
  if (isRecord(addedTokens) && Object.values(addedTokens).every(isId)) return Object.entries(addedTokens) as [string, number][];
  throw new TsumugiError("invalid_tokenizer_file", { file: "added_tokens.json", reason: "it is not a table of ids" });
}

/** The older name of `extra_special_tokens`. */
function renameAdditional(values: Values, wanted: boolean): void {
  if (!wanted || !values.has("additional_special_tokens")) return;
  values.set("extra_special_tokens", values.get("additional_special_tokens"));
  values.delete("additional_special_tokens");
}

/** Extra tokens with names are tokens of this model alone. */
function takeOwnExtra(values: Values, own: Map<string, unknown>): void {
  const extra = values.get("extra_special_tokens");
  if (!isRecord(extra) || extra instanceof TokenSpec) return;
  for (const [name, value] of Object.entries(extra)) own.set(name, value);
  values.delete("extra_special_tokens");
}

function isOwnName(key: string): boolean {
  return key.endsWith("_token") && !(specialTokenNames as readonly string[]).includes(key);
}

function move(values: Values, key: string, to: Map<string, unknown>): void {
  to.set(key, values.get(key));
  values.delete(key);
}

function recordOf(values: Values, key: string): [string, unknown][] {
  const value = values.get(key) ?? {};
  if (!isRecord(value)) throw refused(key, "is no table", value);
  return Object.entries(value);
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === "") return true;
  return Array.isArray(value) ? value.length === 0 : isRecord(value) && Object.keys(value).length === 0;
}

function isToken(value: unknown): boolean {
  return typeof value === "string" || value instanceof TokenSpec || (isRecord(value) && value.__type === "AddedToken");
}

function requiredToken(value: unknown, key: string): string | TokenSpec {
  if (typeof value === "string" || value instanceof TokenSpec) return value;
  if (isToken(value)) return readTokenSpec(value, configFile, key);
  throw refused(key, 'is neither a text nor an added token (`"__type": "AddedToken"`)', value);
}

/** The text of a value that may be a token. */
function contentIn(value: unknown): string | undefined {
  return typeof value === "string" || value instanceof TokenSpec ? contentOf(value) : undefined;
}

function contentOf(token: string | TokenSpec): string {
  return typeof token === "string" ? token : token.content;
}

function refused(key: string, problem: string, given: unknown): TsumugiError {
  const reason = `\`${key}\` ${problem}. Given: ${showValue(given)}`;
  return new TsumugiError("invalid_tokenizer_file", { file: configFile, reason });
}
