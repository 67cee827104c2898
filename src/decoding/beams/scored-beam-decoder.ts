import type { Decoder, DecoderAction, FinishReason, Sequence } from "../../engine/request.ts";
import { applySteps, type SamplingGroup, type SamplingPicks, type SamplingStep } from "../../sampling/index.ts";
import { torchTopK } from "../../sampling/torch-top-k.ts";
import type { StepOutputs } from "../step-outputs.ts";
import type { BeamCandidate, BeamScorer, FinishedBeam } from "./beam-scorer.ts";
import { type BeamRow, type Hypothesis, rowOf } from "./hypothesis.ts";
import { RunningBeams } from "./running-beams.ts";

export interface ScoredBeamOptions {
  beams: number;
  lengthPenalty: number;
  earlyStopping: boolean | "never";
  /** Length that "never" reckons with. */
  maxNewTokens: number;
  /** New tokens after which the search ends. */
  limit: number;
  vocabularySize: number;
  eosTokenIds: readonly number[];
  padTokenId: number | null;
  /** Index of the prompt in the batch. */
  prompt: number;
  padded: readonly number[];
  outputs?: StepOutputs;
}

/** A running beam: its row so far, and the row's log probability. */
export interface ScoredBeam {
  hypothesis: Hypothesis | undefined;
  score: number;
}

/**
 * What searches share whose beams cannot be picked by one group of the sampler: the step's logits are brought here, and
 * a subclass chooses the continuations.
 */
export abstract class ScoredBeamDecoder implements Decoder {
  protected readonly options: ScoredBeamOptions;
  /** All beams; those of a set that is done stay where they were. */
  protected beams: ScoredBeam[];
  #length = 0;
  #ended = false;
  #running: RunningBeams;
  /** Beams that still run: indices into `beams`, in the order that `#running` knows them. */
  #active: number[];
  #logits: Float32Array[] = [];
  #sequences: readonly Sequence[] = [];
  #rows: number[] = [];
  readonly observed?: readonly string[];
  readonly observedEncoder?: readonly string[];
  readonly observe?: NonNullable<Decoder["observe"]>;

  constructor(options: ScoredBeamOptions, scores: readonly number[]) {
    this.options = options;
    Object.assign(this, options.outputs?.states?.watch(options.prompt));
    this.beams = scores.map((score) => ({ hypothesis: undefined, score }));
    this.#active = scores.map((_, beam) => beam);
    this.#running = new RunningBeams(scores.length);
  }

  /** Steps taken. */
  get steps(): number {
    return this.#length;
  }

  /** Chooses the continuations of this step, by beam; undefined for beams that are done. `length` counts the new token. */
  protected abstract advance(length: number): (BeamCandidate | undefined)[];
  protected abstract scorers(): readonly BeamScorer[];
  /** Adds the beams that still run to the finished rows. */
  protected abstract finalize(length: number): void;

  groups(sequences: readonly Sequence[]): SamplingGroup[] {
    this.#sequences = sequences;
    this.#rows = this.#running.locate(sequences);
    return sequences.map((_, row) => {
      const capture = (scores: Float32Array) => {
        this.#logits[row] = scores.slice();
      };
      return { rows: [row], steps: [[{ kind: "call", apply: capture }]], pick: "argmax", count: 1 };
    });
  }

  next(_: readonly SamplingPicks[], sequences: readonly Sequence[]): DecoderAction[] {
    const { outputs, prompt, beams } = this.options;
    this.#running.tell(outputs?.states, sequences, (place) => prompt * beams + this.#active[place]!);
    const length = this.#length + 1;
    const before = this.beams;
    const moves = this.advance(length);
    this.#length = length;
    this.beams = moves.map((move, index) => {
      if (!move) return before[index]!;
      const { beam, token, score } = move;
      return { hypothesis: { parent: before[beam]!.hypothesis, token, beam, length }, score };
    });
    if (this.scorers().every(({ done }) => done) || length >= this.options.limit) {
      this.#ended = true;
      this.finalize(length);
      return sequences.map((sequence) => ({ kind: "drop", sequence }));
    }
    const places = new Map(this.#active.map((beam, place) => [beam, place]));
    const running = moves.flatMap((move) => (move ? [{ beam: places.get(move.beam)!, token: move.token }] : []));
    this.#active = moves.flatMap((move, beam) => (move ? [beam] : []));
    return this.#running.move(running, sequences);
  }

  /** The best rows, best first. */
  rows(count: number, otherwise: FinishReason = "length"): BeamRow[] {
    if (!this.#ended && this.#length > 0) {
      this.#ended = true;
      this.finalize(this.#length);
    }
    const { eosTokenIds, limit } = this.options;
    // stable, and taken from the end
    const finished = this.scorers().flatMap((scorer): readonly FinishedBeam[] => scorer.finished);
    const sorted = [...finished].sort((a, b) => a.score - b.score).reverse();
    return sorted.slice(0, count).map(({ hypothesis, score, byEnd }) => {
      const row = rowOf(hypothesis, score, byEnd ? "eos" : otherwise);
      if (byEnd && row.tokens.length < limit) {
        row.tokens.push(eosTokenIds[0]!);
        row.beams.push(row.beams.at(-1) ?? 0);
      }
      return row;
    });
  }

  /** Index of a beam's scores among those that transformers processes at once. */
  protected scoreRow(beam: number): number {
    return this.options.prompt * this.options.beams + beam;
  }

  /** Log probabilities of a beam's next token, behind all processors. */
  protected processed(beam: number, first: readonly SamplingStep[] = []): Float32Array {
    const { vocabularySize, prompt, outputs } = this.options;
    const row = this.#rows[this.#active.indexOf(beam)]!;
    const scores = this.#logits[row]!.slice();
    const at = prompt * this.options.beams + beam;
    outputs?.onLogits?.(at, this.#length, scores.slice());
    const steps = this.#sequences[row]!.processors.steps({ row: prompt, scoreRow: this.scoreRow(beam) });
    applySteps(scores, [{ kind: "normalise" }, ...first, ...steps], { vocabularySize });
    outputs?.onScores?.(at, this.#length, scores.slice());
    return scores;
  }

  /** The best continuations of some beams, best first. `scores` are those of `processed`, with the beam's own added here. */
  protected best(
    beams: readonly number[],
    scores: readonly Float32Array[],
  ): { candidates: BeamCandidate[]; all: Float32Array } {
    const { vocabularySize, eosTokenIds } = this.options;
    const all = new Float32Array(beams.length * vocabularySize);
    beams.forEach((beam, place) => {
      const own = this.beams[beam]!.score;
      const values = scores[place]!;
      for (let token = 0; token < vocabularySize; token++) all[place * vocabularySize + token] = values[token]! + own;
    });
    const count = Math.max(2, 1 + eosTokenIds.length) * beams.length;
    const candidates = Array.from(torchTopK(all, count), (at) => ({
      beam: beams[Math.floor(at / vocabularySize)]!,
      token: at % vocabularySize,
      score: all[at]!,
    }));
    return { candidates, all };
  }
}
