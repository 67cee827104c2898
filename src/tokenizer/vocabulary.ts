import { isRecord, listOf } from "../util/json-value.ts";
import type { AddedToken } from "./added-vocabulary.ts";
import type { TokenModel } from "./token-model.ts";
import { type TokenizerSettings, type TokenSpec, tokenSpec } from "./tokenizer-config.ts";

/** Ids and token strings, the model's and the added ones. */
export interface Vocabulary {
  readonly added: readonly AddedToken[];
  /** Tokens of the model, without added tokens. */
  readonly baseSize: number;
  readonly size: number;
  idOf(token: string): number | undefined;
  tokenOf(id: number): string | undefined;
  isSpecial(token: string): boolean;
  entries(): Map<string, number>;
}

/**
 * The model's vocabulary with the added tokens of tokenizer.json, then those that tokenizer_config.json adds: its
 * added_tokens_decoder, its named special tokens and its extra ones, where they are missing.
 */
export function createVocabulary(tokenizerJson: unknown, model: TokenModel, settings: TokenizerSettings): Vocabulary {
  const byContent = new Map<string, AddedToken>();
  const add = (spec: TokenSpec, defaults: { special: boolean }) => {
    if (spec.content === "") return;
    const known = byContent.get(spec.content);
    const id = known?.id ?? model.ids.get(spec.content) ?? nextId(model, byContent);
    const special = spec.special ?? known?.special ?? defaults.special;
    byContent.set(spec.content, {
      id,
      content: spec.content,
      singleWord: spec.singleWord ?? known?.singleWord ?? false,
      lstrip: spec.lstrip ?? known?.lstrip ?? false,
      rstrip: spec.rstrip ?? known?.rstrip ?? false,
      normalized: spec.normalized ?? known?.normalized ?? !special,
      special,
    });
  };
  for (const value of isRecord(tokenizerJson) ? listOf(tokenizerJson.added_tokens) : []) {
    const spec = tokenSpec(value);
    if (!spec) continue;
    add(spec, { special: false });
    const token = byContent.get(spec.content);
    if (token && spec.id !== undefined) token.id = spec.id;
  }
  for (const spec of settings.addedTokens) add(spec, { special: false });
  for (const spec of [...Object.values(settings.named), ...settings.extra])
    if (!byContent.has(spec.content)) add({ ...spec, special: true }, { special: true });

  const added = [...byContent.values()].sort((a, b) => a.id - b.id);
  const tokens = [...model.tokens];
  for (const token of added) tokens[token.id] = token.content;
  return {
    added,
    baseSize: model.size,
    size: model.size + added.filter((token) => !model.ids.has(token.content)).length,
    idOf: (token) => byContent.get(token)?.id ?? model.ids.get(token),
    tokenOf: (id) => tokens[id],
    isSpecial: (token) => byContent.get(token)?.special === true,
    entries: () => new Map([...model.ids, ...added.map((token) => [token.content, token.id] as const)]),
  };
}

function nextId(model: TokenModel, added: ReadonlyMap<string, AddedToken>): number {
  let next = model.size;
  for (const token of added.values()) next = Math.max(next, token.id + 1);
  return next;
}
