import type { StepListener } from "../decoding/step-outputs.ts";

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
