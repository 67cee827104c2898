import type { SamplingStep } from "./step.ts";

/** A stream of random words addressed by place, so that rows may be drawn in any order. */
export interface RandomStream {
  /**
   * Exponential(1) variates as `torch.Tensor.exponential_` draws them on the CPU, for entries of one row:
   * out[i] = variate number `indices[i]` of the row that starts `offset` 32-bit words into the stream.
   */
  exponentials(offset: number, indices: Int32Array, out: Float32Array): void;
}

/** Rows of one step's logits that are picked from together. Picks are over rows × vocabulary. */
export interface SamplingGroup {
  /** Indices into the batch's logit rows. */
  rows: readonly number[];
  /** For each row, the steps its scores go through, in order. */
  steps: readonly (readonly SamplingStep[])[];
  /** Added to each row's scores after the steps (a beam's running score). */
  bias?: readonly number[];
  /** argmax: the first of the greatest; draw: multinomial without replacement; top: the greatest `count`; score: of `target`. */
  pick: "argmax" | "draw" | "top" | "score";
  count: number;
  /** "draw" only. */
  stream?: RandomStream;
  /** Place in the stream, in 32-bit words. */
  offset?: number;
  /** "score" only: one token per row. */
  target?: readonly number[];
  /** How many top log probabilities of the raw logits to report for each pick. */
  logprobs?: number;
}

/** What was picked for a group: `count` entries, best first. */
export interface SamplingPicks {
  /** Which of the group's rows each pick belongs to: an index into `group.rows`. */
  rows: Int32Array;
  tokens: Int32Array;
  /** Processed score of each pick. */
  scores: Float32Array;
  /** Log probability of each pick under the raw logits, when `logprobs` was asked for. */
  logprobs?: Float32Array;
}
