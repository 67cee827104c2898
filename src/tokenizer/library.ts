import * as tokenizers from "@huggingface/tokenizers";

/**
 * What tsumugi uses of `@huggingface/tokenizers` 0.2: its translation of regular expressions. (The type declarations of that
 * version do not resolve under Node's module resolution.)
 */
export const library = tokenizers as unknown as {
  SplitPreTokenizer: new (config: object) => { pattern: RegExp | null };
  ReplaceDecoder: new (config: object) => { pattern: RegExp | null };
};
