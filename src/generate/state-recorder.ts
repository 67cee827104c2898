import type { StateObserver } from "../decoding/step-outputs.ts";
import type { Decoder, Sequence } from "../engine/request.ts";
import type { AttentionOutputs, HiddenStateOutputs } from "../models/index.ts";

/** What of a model's inside a call wants to see. */
export interface WantedStates {
  hidden?: HiddenStateOutputs | undefined;
  attentions?: AttentionOutputs | undefined;
}

/** Values of the tokens of one row, by position. */
type ByPosition = (Float32Array | undefined)[];

/**
 * Collects what goes on inside the model for each token of a call. A decoder hands on what it observes, and says at each
 * step which output rows its sequences are: copies of a prompt are one sequence until they fork, and beams change places.
 */
export class StateRecorder implements StateObserver {
  /** Outputs of the decoder's program, and of the encoder's. */
  readonly outputs: readonly string[];
  readonly encoderOutputs: readonly string[];
  /** What is kept of each output, by row; of an output of the encoder, by prompt. */
  readonly #kept = new Map<string, Map<number, ByPosition>>();
  /** What was observed and is not given to rows yet, by sequence, output and position. */
  readonly #observed = new Map<Sequence, Map<string, Map<number, Float32Array>>>();

  constructor({ hidden, attentions }: WantedStates) {
    const named = (list: readonly { output: string }[] = []) => list.map(({ output }) => output);
    this.outputs = [...(hidden?.decoder ?? []), ...named(attentions?.decoder), ...named(attentions?.cross)];
    this.encoderOutputs = [...(hidden?.encoder ?? []), ...named(attentions?.encoder)];
  }

  /** What a decoder of the prompt at this index hands on, as its own `observed`, `observedEncoder` and `observe`. */
  watch(prompt: number): Required<Pick<Decoder, "observed" | "observedEncoder" | "observe">> {
    const ofEncoder = new Set(this.encoderOutputs);
    return {
      observed: this.outputs,
      observedEncoder: this.encoderOutputs,
      observe: (sequence, start, values, width, output) => {
        for (let token = 0; token * width < values.length; token++) {
          const value = values.subarray(token * width, (token + 1) * width);
          if (ofEncoder.has(output)) this.#keep(output, prompt, start + token, value);
          else this.#notice(sequence, output).set(start + token, value);
        }
      },
    };
  }

  /**
   * Before a step's tokens are appended: what was observed of a sequence belongs to these rows. Tokens that come again
   * (the request was preempted, or outgrew a longrope switch) stay as they were.
   */
  commit(sequence: Sequence, rows: readonly number[]): void {
    for (const [output, values] of this.#observed.get(sequence) ?? []) {
      for (const [position, value] of values) {
        if (position >= sequence.tokens.length) continue; // of a draft
        for (const row of rows) this.#keep(output, row, position, value);
        values.delete(position);
      }
    }
  }

  /** The values of a row's tokens by position; of an output of the encoder, of the prompt with this index. */
  row(output: string, row: number): ByPosition {
    return this.#kept.get(output)?.get(row) ?? [];
  }

  #notice(sequence: Sequence, output: string): Map<number, Float32Array> {
    const outputs = at(this.#observed, sequence, () => new Map<string, Map<number, Float32Array>>());
    return at(outputs, output, () => new Map<number, Float32Array>());
  }

  #keep(output: string, row: number, position: number, value: Float32Array): void {
    const rows = at(this.#kept, output, () => new Map<number, ByPosition>());
    at(rows, row, () => [])[position] ??= value;
  }
}

function at<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
