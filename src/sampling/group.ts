import type { RandomStream } from "./random-stream.ts";
import type { SamplingStep } from "./step.ts";

/**
 * Rows of one step's logits that are picked from together. Picks are over rows × vocabulary. Groups are plain data, but for
 * "call" steps: a backend gets them whole, and runs natively what it can.
 */
export interface SamplingGroup {
  /** Indices into the batch's logit rows; at least one. */
  rows: readonly number[];
  /** For each row, the steps its scores go through, in order. */
  steps: readonly (readonly SamplingStep[])[];
  /** For each row, the batch's logit row of its negative prompt, which "guide" steps lead away from. */
  guides?: readonly number[];
  /** Added to each row's scores after the steps (a beam's running score). */
  bias?: readonly number[];
  /**
   * argmax: the first of the greatest, one pick; draw: `count` by multinomial without replacement; top: the greatest `count`,
   * in torch's order; score: nothing is chosen, `target` is judged.
   */
  pick: "argmax" | "draw" | "top" | "score";
  /** Picks: from 1 to rows × vocabulary. "argmax": 1. "score": one for each row. */
  count: number;
  /** "draw" only. */
  stream?: RandomStream;
  /** "draw" only: place in the stream, in 32-bit words. Default 0. */
  offset?: number;
  /** "score" only: one token for each row. */
  target?: readonly number[];
  /** Report log probabilities: each pick's own, and the so many likeliest tokens of its row. 0: the pick's own alone. */
  logprobs?: number;
}

/** What was picked for a group: `count` entries, best first; of "score", in the order of the rows. */
export interface SamplingPicks {
  /** Which of the group's rows each pick belongs to: an index into `group.rows`. */
  rows: Int32Array;
  tokens: Int32Array;
  /** Processed score of each pick. Of "score": the target's log probability among the processed scores. */
  scores: Float32Array;
  /** Where the group asked for `logprobs`. */
  logprobs?: PickLogprobs;
}

/** Natural logarithms of probabilities under the raw logits: before all steps, without bias. */
export interface PickLogprobs {
  /** [picks] of the picked token */
  picked: Float32Array;
  /** [picks × n] the likeliest tokens of each pick's row, likeliest first, of equals the lower id first; n = min(logprobs, vocabulary) */
  tokens: Int32Array;
  /** [picks × n] theirs */
  values: Float32Array;
}
