import type { Decoder, DecoderAction, Sequence } from "../../engine/request.ts";
import type { RandomStream, SamplingGroup, SamplingPicks } from "../../sampling/index.ts";

/** What a draft decoder knows of the row that it guesses for. */
export interface DraftRow {
  /** Given: draw. */
  stream: RandomStream | undefined;
  /** Index of the output row. */
  row: number;
  batchRows: number;
  /** Of the model that is assisted. */
  vocabularySize: number;
  promptLength: number;
  eosTokenIds: ReadonlySet<number>;
  /** A draft ends behind a token that is less likely than this; 0: never. */
  confidenceThreshold: number;
}

/**
 * Picks the tokens of one draft as the row itself would, then parks. Where the row draws, so does the draft, with the very
 * random numbers that the row will draw its tokens with: they agree the more often, the more the models do.
 */
export class DraftDecoder implements Decoder {
  readonly #row: DraftRow;
  #draft: number[] = [];
  #wanted = 0;
  #scores: Float32Array | undefined;
  #done: (draft: number[]) => void = () => {};

  constructor(row: DraftRow) {
    this.#row = row;
  }

  /** Starts the next draft: `done` is told, once, when its sequence parks. */
  begin(wanted: number, done: (draft: number[]) => void): void {
    this.#draft = [];
    this.#wanted = wanted;
    this.#done = done;
  }

  groups([sequence]: readonly Sequence[]): SamplingGroup[] {
    const { stream, row, batchRows, vocabularySize, promptLength, confidenceThreshold } = this.#row;
    const { tokens, processors } = sequence as Sequence;
    const offset = 2 * vocabularySize * ((tokens.length - promptLength) * batchRows + row);
    const steps = [...processors.steps({ row, stream, offset })];
    this.#scores = undefined;
    if (confidenceThreshold > 0) {
      const keep = (scores: Float32Array) => {
        this.#scores = scores.slice();
      };
      steps.push({ kind: "call", apply: keep });
    }
    if (!stream) return [{ rows: [0], steps: [steps], pick: "argmax", count: 1 }];
    return [{ rows: [0], steps: [steps], pick: "draw", count: 1, stream, offset }];
  }

  next([picks]: readonly SamplingPicks[], [sequence]: readonly Sequence[]): DecoderAction[] {
    const token = (picks as SamplingPicks).tokens[0] as number;
    this.#draft.push(token);
    const { eosTokenIds, confidenceThreshold } = this.#row;
    const isLast = this.#draft.length >= this.#wanted || eosTokenIds.has(token);
    const isSure = !this.#scores || probability(this.#scores, token) >= confidenceThreshold;
    if (!isLast && isSure) {
      return [{ kind: "append", sequence: sequence as Sequence, token }];
    }
    this.#done(this.#draft);
    return [{ kind: "park", sequence: sequence as Sequence }];
  }
}

/** Softmax of one score. */
function probability(scores: Float32Array, token: number): number {
  let greatest = Number.NEGATIVE_INFINITY;
  for (const score of scores) if (score > greatest) greatest = score;
  let sum = 0;
  for (const score of scores) sum += Math.exp(score - greatest);
  return Math.exp((scores[token] as number) - greatest) / sum;
}
