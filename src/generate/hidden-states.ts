import type { Decoder, Sequence } from "../engine/request.ts";
import { TsumugiError } from "../errors.ts";
import { hiddenStateOutputs } from "../models/index.ts";
import type { Model } from "../ops/program.ts";
import { isSearch } from "./beams/check-beams.ts";
import type { GenerateOptions } from "./generate-options.ts";
import type { GenerationSettings } from "./generation-config.ts";
import { isGuided } from "./guided-decoder.ts";
import { warnOnce } from "./warnings.ts";

/** Values of one layer at one step, [rows, tokens, hidden], in this order in `data`. */
export interface HiddenState {
  shape: readonly [rows: number, tokens: number, hidden: number];
  data: Float32Array;
}

/** Names of the program's outputs to read, where the hidden states are wanted. Refuses what cannot give them. */
export function wantedHiddenStates(
  model: Model,
  options: GenerateOptions,
  settings: GenerationSettings,
): readonly string[] | undefined {
  if (!settings.outputHiddenStates) return undefined;
  const outputs = hiddenStateOutputs(model);
  const other = isSearch(settings) ? "a search" : isGuided(settings) ? "guidance" : undefined;
  const reason = model.programs.encode
    ? "those of encoder-decoder models are not built yet"
    : outputs === undefined
      ? 'only `device: "reference"` keeps what lies between the layers, and only where that is one value as wide as the model says'
      : other && `${other} does not give them yet`;
  if (reason === undefined) return outputs;
  if (options.outputHiddenStates ?? options.generationConfig?.outputHiddenStates) {
    throw new TsumugiError("unsupported_option", { option: "outputHiddenStates", reason });
  }
  warnOnce(`The model's own \`outputHiddenStates\` has no effect: ${reason}.`);
  return undefined;
}

/** Collects the hidden states of a call by step, layer and row. */
export class HiddenStateRecorder {
  readonly outputs: readonly string[];
  /** [step][layer][row] */
  readonly #steps: Map<number, Float32Array>[][] = [];
  /** [layer] of each row: tokens that were noted. Those that come again (preempted, or past a longrope switch) stay as they were. */
  readonly #noted: Map<number, number>[];

  constructor(outputs: readonly string[]) {
    this.outputs = outputs;
    this.#noted = outputs.map(() => new Map());
  }

  /** `observe` of a decoder whose `copies` rows start at `firstRow`. */
  observer(firstRow: number, copies: number): NonNullable<Decoder["observe"]> {
    return (sequence, start, hidden, width, output) => {
      const layer = this.outputs.indexOf(output);
      // copies of a prompt are one sequence until they fork
      const one = [firstRow + sequence.index];
      const all = sequence.index === 0 ? Array.from({ length: copies }, (_, copy) => firstRow + copy) : one;
      for (let token = 0; token * width < hidden.length; token++) {
        const values = hidden.subarray(token * width, (token + 1) * width);
        const position = start + token;
        for (const row of position < sequence.promptLength ? all : one) this.#note(sequence, position, layer, row, values);
      }
    };
  }

  #note({ promptLength, padding }: Sequence, position: number, layer: number, row: number, values: Float32Array): void {
    const noted = this.#noted[layer]!;
    if (position < (noted.get(row) ?? 0)) return;
    noted.set(row, position + 1);
    const isPrompt = position < promptLength;
    const step = isPrompt ? 0 : position - promptLength + 1;
    this.#steps[step] ??= this.outputs.map(() => new Map());
    const rows = this.#steps[step][layer]!;
    const kept = rows.get(row) ?? new Float32Array((isPrompt ? promptLength + padding : 1) * values.length);
    kept.set(values, isPrompt ? (position + padding) * values.length : 0);
    rows.set(row, kept);
  }

  /** [steps][layers + 1]: what each layer read, then the last norm's output. Pads (in front) and rows that had ended are zeros. */
  table(rows: number, prompt: number, hidden: number): HiddenState[][] {
    return this.#steps.map((layers, step) =>
      layers.map((values) => {
        const tokens = step === 0 ? prompt : 1;
        const data = new Float32Array(rows * tokens * hidden);
        for (const [row, own] of values) data.set(own, row * tokens * hidden);
        return { shape: [rows, tokens, hidden], data };
      }),
    );
  }
}
