import type { AssistedReport } from "./assisted/assistance.ts";
import type { StateRecorder } from "./state-recorder.ts";

/** Sees a copy of one output of one step: index of the output row, number of the step, [vocabulary] values. */
export type StepListener = (row: number, step: number, values: Float32Array) => void;

/** What a call wants to see of every step. */
export interface StepOutputs {
  /** Raw float32 logits. */
  onLogits?: StepListener;
  /** Scores behind all processors. */
  onScores?: StepListener;
  /** What drafts came to, with assisted generation. */
  onAssisted?: (report: AssistedReport) => void;
  /** What goes on inside the model for every token. */
  states?: StateRecorder | undefined;
}

/** Collects values by step and row. */
export class StepRecorder {
  readonly #steps: Float32Array[][] = [];

  readonly listener: StepListener = (row, step, values) => {
    this.#steps[step] ??= [];
    this.#steps[step][row] = values;
  };

  /** [steps][rows]; null for rows that had ended. */
  table(rows: number): (Float32Array | null)[][] {
    return this.#steps.map((step) => Array.from({ length: rows }, (_, row) => step[row] ?? null));
  }
}
