/**
 * Where the rows of a request stand among those that transformers runs as one batch: random numbers and some processors
 * depend on it. A request of a server stands alone.
 */
export interface BatchPlace {
  /** Index of its prompt, and how many prompts there are. */
  prompt: number;
  prompts: number;
  /** Index of its first output row, and how many output rows all prompts have. */
  firstRow: number;
  rows: number;
  /** What the encoder reads of each prompt, or the model where it has none, pads included. */
  encoderRows?: readonly (readonly number[])[];
  /** Tokens by which the longest prompt is ahead of this one: with dynamic RoPE it decides for all. Default 0. */
  rotaryLead?: number;
}

/** The place of a request that stands alone and gives so many rows. */
export function aloneInBatch(rows: number): BatchPlace {
  return { prompt: 0, prompts: 1, firstRow: 0, rows };
}
