import type { AttentionOutput } from "../models/index.ts";
import { countSteps, type RowsOfPrompts } from "./hidden-states.ts";
import type { PromptRow } from "./prompt-row.ts";
import type { StateRecorder } from "./state-recorder.ts";

/** Shares of attention of one layer at one step, [rows, heads, queries, keys], in this order in `data`. */
export interface Attention {
  shape: readonly [rows: number, heads: number, queries: number, keys: number];
  data: Float32Array;
}

/**
 * [steps][layers]: which share each token gives each token up to it, pads in their places. From the second step on there is
 * one query, and a layer with a window has only the keys that its cache keeps, the last `window`.
 */
export function attentionsOf(recorder: StateRecorder, outputs: readonly AttentionOutput[], rows: RowsOfPrompts): Attention[][] {
  const width = rows.prompts[0]!.padded.length;
  return stepsOf(recorder, outputs, rows).map((step) =>
    outputs.map((output) => {
      const keys = step === 0 ? width : Math.min(output.window ?? Number.POSITIVE_INFINITY, width + step);
      const hidden = width + step - keys;
      return tableOf(recorder, output, rows, step, keys, ({ places }, position) => {
        const place = places[position] ?? width + position - places.length;
        return place - hidden;
      });
    }),
  );
}

/** The same for attention to the encoder's input: keys are its tokens, pads in their places. */
export function crossAttentionsOf(
  recorder: StateRecorder,
  outputs: readonly AttentionOutput[],
  rows: RowsOfPrompts,
): Attention[][] {
  const keys = rows.prompts[0]!.encoder!.padded.length;
  return stepsOf(recorder, outputs, rows).map((step) =>
    outputs.map((output) => tableOf(recorder, output, rows, step, keys, ({ encoder }, position) => encoder!.places[position]!)),
  );
}

/** [layers] of the encoder, a row for each prompt. */
export function encoderAttentionsOf(
  recorder: StateRecorder,
  outputs: readonly AttentionOutput[],
  prompts: readonly PromptRow[],
): Attention[] {
  const rows = { prompts: prompts.map(({ encoder }) => encoder!), rowsPerPrompt: 1 };
  const keys = rows.prompts[0]!.padded.length;
  return outputs.map((output) => tableOf(recorder, output, rows, 0, keys, ({ places }, position) => places[position]!));
}

function stepsOf(recorder: StateRecorder, outputs: readonly AttentionOutput[], rows: RowsOfPrompts): number[] {
  return [...Array(countSteps(recorder, outputs[0]!.output, rows)).keys()];
}

/** `placeOf` says which key of the table a position of the row is; keys in front of it are left out. */
function tableOf(
  recorder: StateRecorder,
  { output, heads }: AttentionOutput,
  { prompts, rowsPerPrompt }: RowsOfPrompts,
  step: number,
  keys: number,
  placeOf: (prompt: PromptRow, position: number) => number,
): Attention {
  const count = prompts.length * rowsPerPrompt;
  const queries = step === 0 ? prompts[0]!.padded.length : 1;
  const data = new Float32Array(count * heads * queries * keys);
  for (let row = 0; row < count; row++) {
    const prompt = prompts[Math.floor(row / rowsPerPrompt)]!;
    const values = recorder.row(output, row);
    const asking = step === 0 ? prompt.tokens.keys() : [prompt.tokens.length + step - 1];
    for (const position of asking) {
      const shares = values[position];
      if (!shares) continue;
      const query = step === 0 ? prompt.places[position]! : 0;
      const width = shares.length / heads;
      for (let key = 0; key < width; key++) {
        const place = placeOf(prompt, key);
        // what stands behind the row's last position is nothing of it
        if (!(place >= 0 && place < keys)) continue;
        for (let head = 0; head < heads; head++) {
          data[((row * heads + head) * queries + query) * keys + place] = shares[head * width + key]!;
        }
      }
    }
  }
  return { shape: [count, heads, queries, keys], data };
}
