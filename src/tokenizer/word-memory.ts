import type { WordModel, WordTokens } from "./word-model.ts";

/** Words that are longer are never remembered. */
const rememberedLength = 64;
const rememberedWords = 20_000;
/** Words that are longer are tokenized in steps. */
const longWord = 4000;

/** Remembers the tokens of short words, which come again and again; with and without their places apart. */
export class WordMemory {
  readonly #model: WordModel;
  readonly #plain = new Map<string, WordTokens>();
  readonly #ranged = new Map<string, WordTokens>();

  constructor(model: WordModel) {
    this.#model = model;
  }

  tokens(word: string, ranges: boolean): WordTokens {
    if (word.length > rememberedLength) return this.#model.tokenize(word, ranges);
    const known = ranges ? this.#ranged : this.#plain;
    const found = known.get(word);
    if (found) return found;
    const tokens = word === "" ? { ids: [], ranges: new Int32Array(0) } : this.#model.tokenize(word, ranges);
    if (known.size >= rememberedWords) known.clear();
    known.set(word, tokens);
    return tokens;
  }

  /** The same; long words, of models that take long over them, in steps. */
  *steps(word: string, ranges: boolean): Generator<void, WordTokens> {
    if (word.length < longWord || !this.#model.steps) return this.tokens(word, ranges);
    return yield* this.#model.steps(word, ranges);
  }

  /** Parts of a word whose tokens are those of the whole. */
  partsOf(word: string): Iterable<string> {
    return word.length > rememberedLength && this.#model.partsOf ? this.#model.partsOf(word) : [word];
  }
}
