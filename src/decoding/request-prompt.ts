/** What a request goes on from: token ids of a prompt. */
export interface RequestPrompt {
  /** What the model reads: no pads, at least one token. */
  tokens: readonly number[];
  /** The row as processors and stopping criteria see it: with pads where transformers pads it. Default: `tokens`. */
  padded?: readonly number[];
  /** What the encoder of an encoder-decoder model reads. Its decoder begins with the two above. */
  encoder?: { tokens: readonly number[]; padded?: readonly number[] };
  /** What guidance leads away from, without pads. Default: the prompt's last token, as in transformers. */
  negative?: readonly number[];
}
