import { isRecord, listOf } from "../util/json-value.ts";
import { AddedVocabulary } from "./added-vocabulary.ts";
import type { TokenModel } from "./token-model.ts";
import { readTokenSpec, type TokenSpec } from "./token-spec.ts";

/** Ids and token strings, the model's and the added ones. */
export interface Vocabulary {
  readonly added: AddedVocabulary;
  /** Tokens of the model, without added tokens. */
  readonly baseSize: number;
  readonly size: number;
  idOf(token: string): number | undefined;
  tokenOf(id: number): string | undefined;
  isSpecial(token: string): boolean;
  entries(): Map<string, number>;
}

/** The model's vocabulary with the added tokens of tokenizer.json, then those that the files beside it add. */
export function createVocabulary(
  tokenizerJson: unknown,
  model: TokenModel,
  normalize: (text: string) => string,
  more: readonly TokenSpec[],
): Vocabulary {
  const added = new AddedVocabulary(model, normalize);
  const own = isRecord(tokenizerJson) ? listOf(tokenizerJson.added_tokens) : [];
  added.add(own.map((value, index) => readTokenSpec(value, "tokenizer.json", `added_tokens[${index}]`)));
  added.add(more);
  const { ids } = added;
  let size = model.size;
  for (const content of ids.keys()) if (!model.ids.has(content)) size++;
  return {
    added,
    baseSize: model.size,
    size,
    idOf: (token) => ids.get(token) ?? model.ids.get(token),
    tokenOf: (id) => added.textOf(id) ?? model.tokens.get(id),
    isSpecial: (token) => added.isSpecial(token),
    entries: () => new Map([...model.ids, ...ids]),
  };
}
