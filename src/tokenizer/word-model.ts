/** The tokens of one word: ids, and, where they are asked for, what part of the word each stands for. */
export interface WordTokens {
  ids: readonly number[];
  /** Start and end of each token in UTF-16 units of the word, one pair after the other. */
  ranges?: Int32Array;
}

/** What splits words into tokens: BPE, Unigram, WordPiece or WordLevel. */
export interface WordModel {
  /** Tokens of a word that is not empty. `ranges` asks for their places; `part` says that `partsOf` made it. */
  tokenize(word: string, ranges: boolean, part: boolean): WordTokens;
  /** The same in steps, for long words of models that take long over them. */
  steps?(word: string, ranges: boolean, part: boolean): Generator<void, WordTokens>;
  /** Names of the tokens of a word, where the ids do not tell them. */
  namesOf?(word: string): string[];
  /** The id whose tokens are named by the text that they stand for. */
  namedByText?: number;
  /** Cuts a long word into parts whose tokens are those of the whole; undefined where it does not. */
  partsOf?(word: string): Iterable<string> | undefined;
}

/** Ranges of tokens that stand one after the other, from their ends. */
export function rangesOf(ends: readonly number[]): Int32Array {
  const ranges = new Int32Array(ends.length * 2);
  for (const [i, end] of ends.entries()) {
    ranges[2 * i] = i === 0 ? 0 : (ends[i - 1] as number);
    ranges[2 * i + 1] = end;
  }
  return ranges;
}
