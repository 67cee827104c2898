/** Ids of a text, and, where they were asked for, the places of the tokens. */
export interface EncodedText {
  ids: number[];
  /** Start and end of each token in UTF-16 units of the text, one pair after the other. */
  ranges?: number[];
  /**
   * By place, the texts of tokens that are named by them: added tokens with the white space that they took along, and what
   * no piece of a Unigram stands for. Present where names may be asked for.
   */
  texts?: Map<number, string>;
}
