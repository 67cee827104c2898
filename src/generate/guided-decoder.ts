import type { Decoder, DecoderAction, Sequence } from "../engine/request.ts";
import { TsumugiError } from "../errors.ts";
import type { SamplingGroup, SamplingPicks } from "../sampling/index.ts";
import type { GenerationSettings } from "./generation-config.ts";
import { type PromptRow, readInputs } from "./inputs.ts";
import { RowDecoder, type RowDecoderOptions } from "./row-decoder.ts";

/**
 * One row with classifier-free guidance: a gang of two sequences, the row itself and the same answer behind the negative
 * prompt. The second one's log probabilities are read first; the processor `guidanceScale` of the first uses them.
 */
export class GuidedDecoder implements Decoder {
  readonly #row: RowDecoder;
  readonly observed?: readonly string[];
  readonly observe?: NonNullable<Decoder["observe"]>;
  #unguided = new Float32Array(0);

  constructor(options: RowDecoderOptions) {
    this.#row = new RowDecoder({ ...options, unguided: () => this.#unguided });
    const { observed, observe } = this.#row;
    if (!observed || !observe) return;
    this.observed = observed;
    this.observe = (sequence, ...rest) => {
      if (sequence.index === 0) observe(sequence, ...rest);
    };
  }

  groups(sequences: readonly Sequence[]): SamplingGroup[] {
    const keep = (scores: Float32Array) => {
      this.#unguided = scores.slice();
    };
    return [
      { rows: [1], steps: [[{ kind: "normalise" }, { kind: "call", apply: keep }]], pick: "argmax", count: 1 },
      ...this.#row.groups(sequences.slice(0, 1)),
    ];
  }

  next(picks: readonly SamplingPicks[], sequences: readonly Sequence[]): DecoderAction[] {
    return this.#row.next(picks.slice(1), sequences.slice(0, 1)).flatMap((action) => {
      if (action.kind !== "append") throw new TsumugiError("internal", { what: `guidance cannot ${action.kind}` });
      return [action, { ...action, sequence: sequences[1]! }];
    });
  }
}

/** Whether these settings guide. */
export function isGuided({ guidanceScale }: GenerationSettings): boolean {
  return typeof guidanceScale === "number" && guidanceScale !== 1;
}

/**
 * The negative prompt of each output row (`copies` for each prompt), without pads: a row of `negativePromptIds` for each output
 * row, for each prompt, or one for all; without it the prompt's last token, as in transformers.
 *
 * @throws `invalid_input`, `conflicting_options`, `unsupported_option` for encoder-decoder models
 */
export function readNegativePrompts(
  ids: unknown,
  mask: unknown,
  prompts: readonly PromptRow[],
  copies: number,
  context: { vocabularySize: number; settings: GenerationSettings },
): number[][] | undefined {
  if (!isGuided(context.settings)) {
    if (ids === undefined || ids === null) return undefined;
    const reason = "a negative prompt has an effect only with `guidanceScale`";
    throw new TsumugiError("conflicting_options", { options: "`negativePromptIds` and no `guidanceScale`", reason });
  }
  if (prompts.some(({ encoder }) => encoder !== undefined)) {
    const reason = "guidance of encoder-decoder models is not supported";
    throw new TsumugiError("unsupported_option", { option: "guidanceScale", reason });
  }
  const count = prompts.length * copies;
  const promptOf = (row: number) => Math.floor(row / copies);
  if (ids === undefined || ids === null)
    return Array.from({ length: count }, (_, row) => prompts[promptOf(row)]!.padded.slice(-1));
  const padTokenId = null; // pads are told by the mask alone
  const rows = readInputs(ids, mask, { ...context, settings: { ...context.settings, padTokenId } });
  if (![1, prompts.length, count].includes(rows.length)) {
    const expected = [...new Set([1, prompts.length, count])].join(" or ");
    throw new TsumugiError("invalid_input", { what: "Rows of `negativePromptIds`", expected, given: rows.length });
  }
  const each = rows.length === 1 ? () => 0 : rows.length === count ? (row: number) => row : promptOf;
  return Array.from({ length: count }, (_, row) => rows[each(row)]!.tokens);
}
