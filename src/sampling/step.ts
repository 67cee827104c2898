/** What steps may know beside their row. */
export interface LogitsContext {
  vocabularySize: number;
  /** [vocabulary] raw logits of the row's negative prompt, for "guide". They must not be changed. */
  guide?: Float32Array;
}

/**
 * One operation on a row of scores. Processors give steps; backends run them natively or through sampling/chain.ts. All but
 * "call" are plain data. Order is the order of transformers' `_get_logits_processor`.
 */
export type SamplingStep =
  /** scores = log_softmax(scores) */
  | { kind: "normalise" }
  /** scores = g + scale · (scores − g), where g are the log probabilities of the row in `SamplingGroup.guides` */
  | { kind: "guide"; scale: number }
  /**
   * Changes single tokens. "add", "set", "scale": score + value, value, score · value. "lift" multiplies negative scores by the
   * value and divides the others (repetition penalty). "grow": score + |score| · value, −infinity stays.
   */
  | { kind: "edit"; how: "add" | "set" | "scale" | "lift" | "grow"; tokens: Int32Array; values: Float32Array }
  /** Sets every other token to −infinity, and these to 0. */
  | { kind: "only"; tokens: Int32Array }
  /** Sets every other token to −infinity. With `force`, sets these to 0 where all of them are −infinity. */
  | { kind: "allow"; tokens: Int32Array; force: boolean }
  /** Sets tokens whose bit is 0 to −infinity. */
  | { kind: "mask"; bits: Uint32Array }
  /** Sets NaN to 0, and ±infinity to the float32 limits. */
  | { kind: "invalid" }
  /** Runs a warper. `minTokensToKeep` means what it means in transformers. */
  | { kind: "warp"; how: WarperName; value: number; minTokensToKeep: number }
  /** Runs a function on the row in TypeScript, for what cannot be said as data. */
  | { kind: "call"; apply: (scores: Float32Array, context: LogitsContext) => void };

/** The warpers of sampling/warpers.ts. */
export type WarperName =
  | "temperature"
  | "topNSigma"
  | "topH"
  | "topK"
  | "topP"
  | "minP"
  | "typicalP"
  | "epsilonCutoff"
  | "etaCutoff"
  | "xtc";
