import type { Normalizer } from "./normalizer.ts";
import type { TokenStrings } from "./token-strings.ts";
import type { WordModel } from "./word-model.ts";

/** The model of a tokenizer.json: what splits words, and the vocabulary without added tokens. */
export interface TokenModel {
  words: WordModel;
  /** Words are to come before their bytes are written as characters (`bytes` of a pre-tokenizer's last step). */
  takesBytes: boolean;
  /** Where a model changes text by its own rules. */
  normalizer?: Normalizer;
  readonly ids: ReadonlyMap<string, number>;
  readonly tokens: Pick<TokenStrings, "get">;
  readonly size: number;
  readonly type: string;
}
