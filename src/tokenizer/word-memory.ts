import type { WordModel, WordTokens } from "./word-model.ts";

/** Words that are longer are cut, where the model knows how, and never remembered. */
const rememberedLength = 64;
const rememberedWords = 20_000;
/** Words that are longer are tokenized in steps. */
const longWord = 4000;

/** Remembers the tokens of short words, which come again and again; with and without their places apart. */
export class WordMemory {
  readonly #model: WordModel;
  readonly #ranges: boolean;
  readonly #words = new Map<string, WordTokens>();
  readonly #parts = new Map<string, WordTokens>();
  /** Words of a single unit, by that unit. */
  readonly #units: (WordTokens | undefined)[] = [];
  readonly #partUnits: (WordTokens | undefined)[] = [];

  constructor(model: WordModel, ranges: boolean) {
    this.#model = model;
    this.#ranges = ranges;
  }

  /** Tokens of a word, or of a part that `partsOf` made, which the model may see differently. */
  tokens(word: string, part: boolean): WordTokens {
    if (word.length > rememberedLength) return this.#model.tokenize(word, this.#ranges, part);
    if (word.length === 1) {
      const units = part ? this.#partUnits : this.#units;
      const unit = word.charCodeAt(0);
      units[unit] ??= this.#model.tokenize(word, this.#ranges, part);
      return units[unit];
    }
    const known = part ? this.#parts : this.#words;
    const found = known.get(word);
    if (found) return found;
    const tokens = word === "" ? nothing : this.#model.tokenize(word, this.#ranges, part);
    if (known.size >= rememberedWords) known.clear();
    known.set(copyOf(word), tokens);
    return tokens;
  }

  /** Whether a word is better tokenized in steps. */
  isLong(word: string): boolean {
    return word.length > longWord && this.#model.steps !== undefined;
  }

  /** The tokens of a long word, in steps. */
  *steps(word: string, part: boolean): Generator<void, WordTokens> {
    if (!this.#model.steps) return this.tokens(word, part);
    return yield* this.#model.steps(word, this.#ranges, part);
  }

  /** Parts of a word whose tokens are those of the whole; undefined where it is not cut. */
  partsOf(word: string): Iterable<string> | undefined {
    return word.length > rememberedLength ? this.#model.partsOf?.(word) : undefined;
  }
}

const nothing: WordTokens = { ids: [], ranges: new Int32Array(0) };

/** The same string in memory of its own: a slice keeps all of the text alive that it was cut from. */
function copyOf(word: string): string {
  const units = new Array<number>(word.length);
  for (let i = 0; i < word.length; i++) units[i] = word.charCodeAt(i);
  return String.fromCharCode(...units);
}
