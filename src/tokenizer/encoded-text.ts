/** Ids of a text, and, where they were asked for, the places of the tokens. */
export interface EncodedText {
  ids: number[];
  /** Start and end of each token in UTF-16 units of the text, one pair after the other. */
  ranges?: number[];
  /** With ranges, by place: texts of the added tokens, with the white space that they took along. */
  texts?: Map<number, string>;
}
