import type { Decoder, Sequence } from "../engine/request.ts";

/** Sees a copy of one output of one step: index of the output row, number of the step, [vocabulary] values. */
export type StepListener = (row: number, step: number, values: Float32Array) => void;

/** Is given what goes on inside the model for each token of a call, and told which output rows it belongs to. */
export interface StateObserver {
  /** What a decoder of the prompt at this index hands on, as its own `observed`, `observedEncoder` and `observe`. */
  watch(prompt: number): Required<Pick<Decoder, "observed" | "observedEncoder" | "observe">>;
  /** Before a step's tokens are appended: what was observed of a sequence belongs to these rows. */
  commit(sequence: Sequence, rows: readonly number[]): void;
}

/** What a call wants to see of every step. */
export interface StepOutputs {
  /** Raw float32 logits. */
  onLogits?: StepListener;
  /** Scores behind all processors. */
  onScores?: StepListener;
  /** What goes on inside the model for every token. */
  states?: StateObserver | undefined;
}
