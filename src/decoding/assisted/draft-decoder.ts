import type { Decoder, DecoderAction, Sequence } from "../../engine/request.ts";
import { applySteps } from "../../sampling/chain.ts";
import {
  drawPlace,
  type ProcessorChain,
  type RandomStream,
  type SamplingGroup,
  type SamplingPicks,
  type SamplingStep,
} from "../../sampling/index.ts";

/** What a draft decoder knows of the row that it guesses for. */
export interface DraftRow {
  /** Given: draw. */
  stream: RandomStream | undefined;
  /** Index of the output row. */
  row: number;
  batchRows: number;
  /** Vocabulary of the model that is assisted. */
  vocabularySize: number;
  promptLength: number;
  eosTokenIds: ReadonlySet<number>;
  /** A draft ends behind a token that is less likely than this; 0: never. */
  confidenceThreshold: number;
}

/**
 * Picks the tokens of one draft as the row itself would, then parks. Where the row draws, so does the draft, with the very
 * random numbers that the row will draw its tokens with: they agree the more often, the more the models do.
 *
 * The row's processors work on a fork, and what they throw ends the draft: the row may never get there.
 */
export class DraftDecoder implements Decoder {
  readonly #row: DraftRow;
  #draft: number[] = [];
  #wanted = 0;
  #processors: ProcessorChain | undefined;
  #scores: Float32Array | undefined;
  /** The token that comes next cannot be told. */
  #isLost = false;
  #done: (draft: number[]) => void = () => {};

  constructor(row: DraftRow) {
    this.#row = row;
  }

  /** Starts the next draft: `done` is told, once, when its sequence parks. */
  begin(wanted: number, processors: ProcessorChain, done: (draft: number[]) => void): void {
    this.#draft = [];
    this.#wanted = wanted;
    this.#processors = processors;
    this.#isLost = false;
    this.#done = done;
  }

  groups([sequence]: readonly Sequence[]): SamplingGroup[] {
    const { stream, row, batchRows, vocabularySize, promptLength } = this.#row;
    const { tokens } = sequence as Sequence;
    const draw = stream && drawPlace(stream, { step: tokens.length - promptLength, row, batchRows, vocabularySize });
    const own = this.#attempt(() => this.#processors?.steps({ row, ...draw })) ?? [];
    this.#scores = undefined;
    const apply = (scores: Float32Array) => this.#apply(scores, own);
    const steps: SamplingStep[] = [{ kind: "call", apply }];
    if (draw) return [{ rows: [0], steps: [steps], pick: "draw", count: 1, ...draw }];
    const isPlain = own.length === 0 && this.#row.confidenceThreshold === 0;
    return [{ rows: [0], steps: [isPlain ? [] : steps], pick: "argmax", count: 1 }];
  }

  next([picks]: readonly SamplingPicks[], [sequence]: readonly Sequence[]): DecoderAction[] {
    const token = (picks as SamplingPicks).tokens[0] as number;
    const { eosTokenIds, confidenceThreshold, vocabularySize } = this.#row;
    // A longer vocabulary of the assistant ends in tokens that nobody uses.
    if (token >= vocabularySize) this.#isLost = true;
    if (!this.#isLost) {
      this.#draft.push(token);
      const isSure = !this.#scores || probability(this.#scores, token) >= confidenceThreshold;
      if (isSure && this.#draft.length < this.#wanted && !eosTokenIds.has(token)) {
        this.#attempt(() => this.#processors?.accept(token));
        if (!this.#isLost) return [{ kind: "append", sequence: sequence as Sequence, token }];
      }
    }
    this.#done(this.#draft);
    return [{ kind: "park", sequence: sequence as Sequence }];
  }

  /** The row's steps, on scores as long as the row's own: processors may know how many there are. */
  #apply(scores: Float32Array, steps: readonly SamplingStep[]): void {
    const { vocabularySize, confidenceThreshold } = this.#row;
    const row = scores.length === vocabularySize ? scores : new Float32Array(vocabularySize).fill(Number.NEGATIVE_INFINITY);
    if (row !== scores) row.set(scores.subarray(0, vocabularySize));
    this.#attempt(() => applySteps(row, steps, { vocabularySize }));
    if (row !== scores) {
      scores.fill(Number.NEGATIVE_INFINITY);
      scores.set(row.subarray(0, scores.length));
    }
    if (!canPick(scores)) this.#isLost = true;
    if (this.#isLost) scores.fill(0);
    else if (confidenceThreshold > 0) this.#scores = scores.slice();
  }

  #attempt<Value>(work: () => Value): Value | undefined {
    try {
      return work();
    } catch {
      this.#isLost = true;
      return undefined;
    }
  }
}

/** At least one score is finite, and the others are that or −infinity. */
function canPick(scores: Float32Array): boolean {
  let finite = 0;
  for (const score of scores) {
    if (Number.isFinite(score)) finite++;
    else if (score !== Number.NEGATIVE_INFINITY) return false;
  }
  return finite > 0;
}

/** Softmax of one score. */
function probability(scores: Float32Array, token: number): number {
  let greatest = Number.NEGATIVE_INFINITY;
  for (const score of scores) if (score > greatest) greatest = score;
  let sum = 0;
  for (const score of scores) sum += Math.exp(score - greatest);
  return Math.exp((scores[token] as number) - greatest) / sum;
}
