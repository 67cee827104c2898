/** Ids of a text, and, where they were asked for, the places of the tokens. */
export interface EncodedText {
  ids: number[];
  /** Start and end of each token in UTF-16 units of the text, one pair after the other. */
  ranges?: number[];
  /** Texts of the added tokens, by place, with the white space that they took along. Present beside `ranges`. */
  texts?: Map<number, string>;
}
