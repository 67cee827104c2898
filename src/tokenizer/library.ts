import * as tokenizers from "@huggingface/tokenizers";

/** A normaliser of the library: a function that calls its `normalize`. */
export interface LibraryNormalizer {
  (text: string): string;
  normalize(text: string): string;
  config?: Record<string, unknown>;
  normalizers?: LibraryNormalizer[];
}

/** A model of the library: words in, tokens out. */
export interface LibraryModel {
  (words: string[]): string[];
  tokens_to_ids: Map<string, number>;
  vocab: (string | undefined)[];
}

interface LibraryTokenizer {
  model: LibraryModel;
  normalizer: LibraryNormalizer | null;
}

/**
 * What tsumugi uses of `@huggingface/tokenizers` 0.2: its models, its normalisers and its translation of regular
 * expressions. (The type declarations of that version do not resolve under Node's module resolution.)
 */
export const library = tokenizers as unknown as {
  Tokenizer: new (tokenizerJson: object, config: object) => LibraryTokenizer;
  SplitPreTokenizer: new (config: object) => { pattern: RegExp | null };
  ReplaceDecoder: new (config: object) => { pattern: RegExp | null };
};
