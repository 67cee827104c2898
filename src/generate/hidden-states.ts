import type { PromptRow } from "./prompt-row.ts";
import type { StateRecorder } from "./state-recorder.ts";

/** Values of one layer at one step, [rows, tokens, hidden], in this order in `data`. */
export interface HiddenState {
  shape: readonly [rows: number, tokens: number, hidden: number];
  data: Float32Array;
}

/** The rows of a call: so many of each prompt, next to each other. */
export interface RowsOfPrompts {
  prompts: readonly PromptRow[];
  rowsPerPrompt: number;
}

/** Steps that were computed: the first has the prompts, every other one a token of each row. */
export function countSteps(recorder: StateRecorder, output: string, { prompts, rowsPerPrompt }: RowsOfPrompts): number {
  const steps = prompts.flatMap(({ tokens }, prompt) =>
    Array.from({ length: rowsPerPrompt }, (_, copy) => {
      return recorder.row(output, prompt * rowsPerPrompt + copy).length - tokens.length + 1;
    }),
  );
  return Math.max(0, ...steps);
}

/** [steps][layers + 1]: what each layer read, then the last norm's output. Pads and rows that had ended are zeros. */
export function hiddenStatesOf(
  recorder: StateRecorder,
  outputs: readonly string[],
  rows: RowsOfPrompts,
  hidden: number,
): HiddenState[][] {
  const { prompts, rowsPerPrompt } = rows;
  return Array.from({ length: countSteps(recorder, outputs[0]!, rows) }, (_, step) =>
    outputs.map((output) => {
      const count = prompts.length * rowsPerPrompt;
      const tokens = step === 0 ? prompts[0]!.padded.length : 1;
      const data = new Float32Array(count * tokens * hidden);
      for (let row = 0; row < count; row++) {
        const { places, tokens: own } = prompts[Math.floor(row / rowsPerPrompt)]!;
        const values = recorder.row(output, row);
        if (step > 0) data.set(values[own.length + step - 1] ?? [], row * hidden);
        else
          for (const [position, place] of places.entries()) data.set(values[position] ?? [], (row * tokens + place) * hidden);
      }
      return { shape: [count, tokens, hidden], data };
    }),
  );
}

/** [layers + 1] of the encoder, a row for each prompt. Pads are zeros. */
export function encoderHiddenStatesOf(
  recorder: StateRecorder,
  outputs: readonly string[],
  prompts: readonly PromptRow[],
  hidden: number,
): HiddenState[] {
  return outputs.map((output) => {
    const tokens = prompts[0]!.encoder!.padded.length;
    const data = new Float32Array(prompts.length * tokens * hidden);
    for (const [row, { encoder }] of prompts.entries()) {
      const values = recorder.row(output, row);
      for (const [position, place] of encoder!.places.entries())
        data.set(values[position] ?? [], (row * tokens + place) * hidden);
    }
    return { shape: [prompts.length, tokens, hidden], data };
  });
}
