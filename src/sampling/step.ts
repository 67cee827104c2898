/** What a call-kind step may look at. */
export interface LogitsContext {
  vocabularySize: number;
}

/**
 * One operation on a row of scores. Processors give steps; backends run them natively or through sampling/chain.ts.
 * Order is the order of transformers' `_get_logits_processor`.
 */
export type SamplingStep =
  /** scores = log_softmax(scores) */
  | { kind: "normalise" }
  /** add, set or scale single tokens; "lift" multiplies negative scores by value and divides the others (repetition penalty) */
  | { kind: "edit"; how: "add" | "set" | "scale" | "lift"; tokens: Int32Array; values: Float32Array }
  /** every other token to −infinity, this one to 0 */
  | { kind: "only"; token: number }
  /** tokens whose bit is 0 to −infinity */
  | { kind: "mask"; bits: Uint32Array }
  /** NaN to 0, ±infinity to the float32 limits */
  | { kind: "invalid" }
  /** warpers; `minTokensToKeep` as in transformers */
  | {
      kind: "warp";
      how: "temperature" | "topK" | "topP" | "minP" | "typicalP" | "epsilonCutoff" | "etaCutoff" | "topH";
      value: number;
      minTokensToKeep: number;
    }
  /** anything else: runs in TypeScript on the row */
  | { kind: "call"; apply: (scores: Float32Array, context: LogitsContext) => void };
