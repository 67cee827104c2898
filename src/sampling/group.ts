import type { RandomStream } from "./random-stream.ts";
import type { SamplingStep } from "./step.ts";

/**
 * Rows of one step's logits that are picked from together. Picks run over rows × vocabulary. Groups are plain data, except
 * for "call" steps. A backend gets them whole and runs natively what it can.
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
   * "argmax" takes the first of the greatest; "draw" takes `count` by multinomial without replacement; "top" takes the
   * greatest `count`, in torch's order; "score" chooses nothing, but judges `target`.
   */
  pick: "argmax" | "draw" | "top" | "score";
  /** How many picks are made, from 1 to rows × vocabulary. "argmax" makes 1, "score" one for each row. */
  count: number;
  /** "draw" only. */
  stream?: RandomStream;
  /** "draw" only: where the group's words begin in the stream, in 32-bit words. Default 0. */
  offset?: number;
  /** "score" only: one token for each row. */
  target?: readonly number[];
  /** Asks for log probabilities: each pick's own, and those of this many likeliest tokens of its row. With 0, its own alone. */
  logprobs?: number;
  /** Asks what each step did to this many likeliest tokens of each row, at least 1. */
  report?: number;
}

/** What was picked for a group. There are `count` entries, best first, or for "score" in the order of the rows. */
export interface SamplingPicks {
  /** Which of the group's rows each pick belongs to: an index into `group.rows`. */
  rows: Int32Array;
  tokens: Int32Array;
  /** The processed score of each pick. For "score" it is the target's log probability among the processed scores. */
  scores: Float32Array;
  /** Present where the group asked for `logprobs`. */
  logprobs?: PickLogprobs;
  /** Present where the group asked for a `report`: one for each of its rows. */
  report?: StepReport[];
}

/**
 * What the steps of a row did to its likeliest tokens.
 *
 * @example
 * ```ts
 * const steps: SamplingStep[] = [{ kind: "warp", how: "topP", value: 0.9, minTokensToKeep: 1 }];
 * const [picks] = await session.sample(step, [{ rows: [0], steps: [steps], pick: "argmax", count: 1, report: 10 }]);
 * const [{ tokens, removedBy, scores }] = picks.report;
 * tokens.forEach((token, i) => {
 *   const by = removedBy[i];
 *   if (by >= 0) console.log(token, "removed by", steps[by], "before:", scores[by * tokens.length + i]);
 * });
 * ```
 */
export interface StepReport {
  /** [n] the likeliest tokens under the raw logits, likeliest first; among equals the lower id. n = min(report, vocabulary) */
  tokens: Int32Array;
  /** [n] which step removed each: an index into the row's steps, the first one behind which the score is −infinity; −1: none */
  removedBy: Int32Array;
  /** [(steps + 1) × n] scores of `tokens` before the first step, and behind each. Bias is not in them. */
  scores: Float32Array;
}

/** Natural logarithms of probabilities under the raw logits: before all steps, without bias. */
export interface PickLogprobs {
  /** [picks] of the picked token */
  picked: Float32Array;
  /**
   * [picks × n] the likeliest tokens of each pick's row, where n = min(logprobs, vocabulary). The likeliest comes first, and
   * among equals the lower id.
   */
  tokens: Int32Array;
  /** [picks × n] the log probabilities of `tokens` */
  values: Float32Array;
}
