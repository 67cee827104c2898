import type { Decoder, DecoderAction, Sequence } from "../engine/request.ts";
import { TsumugiError } from "../errors.ts";
import type { SamplingGroup, SamplingPicks } from "../sampling/index.ts";
import type { GenerationSettings } from "./generation-settings.ts";
import { RowDecoder, type RowDecoderOptions } from "./row-decoder.ts";

/**
 * One row with classifier-free guidance: a gang of two sequences, the row itself and the same answer behind the negative
 * prompt, whose logits guide the row's.
 */
export class GuidedDecoder implements Decoder {
  readonly #row: RowDecoder;
  readonly observed?: readonly string[];
  readonly observe?: NonNullable<Decoder["observe"]>;

  constructor(options: RowDecoderOptions) {
    this.#row = new RowDecoder({ ...options, guide: 1 });
    const { observed, observe } = this.#row;
    if (!observed || !observe) return;
    this.observed = observed;
    this.observe = (sequence, ...rest) => {
      if (sequence.index === 0) observe(sequence, ...rest);
    };
  }

  /** New tokens of the row so far. */
  get steps(): number {
    return this.#row.steps;
  }

  groups(sequences: readonly Sequence[]): SamplingGroup[] {
    return this.#row.groups(sequences.slice(0, 1));
  }

  next(picks: readonly SamplingPicks[], sequences: readonly Sequence[]): DecoderAction[] {
    return this.#row.next(picks, sequences.slice(0, 1)).flatMap((action) => {
      if (action.kind !== "append") throw new TsumugiError("internal", { what: `guidance cannot ${action.kind}` });
      return [action, { ...action, sequence: sequences[1]! }];
    });
  }
}

/** Whether these settings guide. */
export function isGuided({ guidanceScale }: GenerationSettings): boolean {
  return typeof guidanceScale === "number" && guidanceScale !== 1;
}
