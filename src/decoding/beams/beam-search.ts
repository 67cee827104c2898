import type { FinishReason } from "../../engine/request.ts";
import { torchTopK } from "../../sampling/torch-top-k.ts";
import { type BeamRow, type Hypothesis, rowOf } from "./hypothesis.ts";

const { fround } = Math;
/** transformers' "minus infinity": an empty slot, a duplicate of the first beam, a candidate that may not be chosen. */
export const never = -1e9;

export interface BeamSearchOptions {
  beams: number;
  lengthPenalty: number;
  earlyStopping: boolean | "never";
  /** Length that "never" reckons with. */
  maxNewTokens: number;
}

/** One step's candidates: the best continuations of all beams, in the order they were picked. */
export interface Candidates {
  /** Which beam each goes on from. */
  rows: Int32Array;
  tokens: Int32Array;
  /** Log probability of the whole row. */
  scores: Float32Array;
}

/** Says why a row that gets `token` ends, if it does, and what the row brings along. */
export type Continue = (parent: Hypothesis | undefined, token: number) => Pick<Hypothesis, "finish" | "stops">;

interface Slot {
  hypothesis: Hypothesis | undefined;
  score: number;
}

/**
 * Beam search of one prompt as a pure state machine, in float32 where torch computes in float32.
 * It ends when no running beam can beat the finished ones, when `earlyStopping: true` has enough of them, or when every
 * candidate ends; from then on nothing that a longer-running neighbour would add can change its answer.
 *
 * Source: transformers 5.18, `GenerationMixin._beam_search`.
 */
export class BeamSearch {
  readonly #options: BeamSearchOptions;
  #running: Slot[];
  #finished: (Slot & { done: boolean })[];
  #improvable = true;
  #length = 0;
  #ended = false;

  constructor(options: BeamSearchOptions) {
    this.#options = options;
    this.#running = Array.from({ length: options.beams }, (_, beam) => ({
      hypothesis: undefined,
      score: beam === 0 ? 0 : never,
    }));
    this.#finished = this.#running.map(() => ({ hypothesis: undefined, score: never, done: false }));
  }

  /** New tokens of every running beam. */
  get length(): number {
    return this.#length;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** What is added to the scores of each beam's continuations. */
  get scores(): number[] {
    return this.#running.map(({ score }) => score);
  }

  /** The running beams, best first: what each ends with. */
  get running(): readonly (Hypothesis | undefined)[] {
    return this.#running.map(({ hypothesis }) => hypothesis);
  }

  /** Takes one step's candidates. Where the search has not ended, `running` says how it goes on. */
  advance({ rows, tokens, scores }: Candidates, next: Continue): void {
    const { beams, earlyStopping } = this.#options;
    const length = this.#length + 1;
    const candidates = Array.from(tokens, (token, index): Hypothesis => {
      const beam = rows[index]!;
      const parent = this.#running[beam]!.hypothesis;
      return { parent, token, beam, length, ...next(parent, token) };
    });
    const hit = candidates.map(({ finish }) => finish !== undefined);
    const running = scores.map((score, index) => (hit[index] ? score + never : score));
    const finished = this.#finish(candidates, hit, scores, length);
    this.#running = Array.from(torchTopK(running, beams), (index) => ({
      hypothesis: candidates[index]!,
      score: running[index]!,
    }));
    this.#finished = finished;
    this.#length = length;
    this.#improvable &&= this.#canImprove();
    const full = earlyStopping === true && finished.every(({ done }) => done);
    this.#ended = !this.#improvable || full || hit.every(Boolean);
  }

  /** The best rows so far, best first. `otherwise` is why a row ended that no token ended. */
  rows(count: number, otherwise: FinishReason = "length"): BeamRow[] {
    let slots: readonly Slot[] = this.#finished;
    if (!this.#ended && this.#length > 0) {
      // Time is up: the running beams end here too.
      const scores = Float32Array.from(this.#running, ({ score }) => this.#normalised(score, this.#length));
      slots = this.#merge(this.#running.map(({ hypothesis }, index) => ({ hypothesis, score: scores[index]!, done: true })));
    }
    return slots.slice(0, count).map(({ hypothesis, score }) => rowOf(hypothesis, score, otherwise));
  }

  #finish(candidates: readonly Hypothesis[], hit: readonly boolean[], scores: Float32Array, length: number) {
    const { beams, earlyStopping } = this.#options;
    const full = earlyStopping === true && this.#finished.every(({ done }) => done);
    const added = candidates.map((hypothesis, rank) => {
      const done = hit[rank]! && rank < beams;
      let score = this.#normalised(scores[rank]!, length);
      if (full) score = fround(score + never);
      if (!this.#improvable) score = fround(score + never);
      if (!done) score = fround(score + never);
      return { hypothesis, score, done };
    });
    return this.#merge(added);
  }

  #merge(added: readonly (Slot & { done: boolean })[]) {
    const merged = [...this.#finished, ...added];
    const best = torchTopK(
      Float32Array.from(merged, ({ score }) => score),
      this.#options.beams,
    );
    return Array.from(best, (index) => merged[index]!);
  }

  #normalised(score: number, length: number): number {
    return fround(score / fround(length ** this.#options.lengthPenalty));
  }

  #canImprove(): boolean {
    const { earlyStopping, lengthPenalty, maxNewTokens } = this.#options;
    const length = earlyStopping === "never" && lengthPenalty > 0 ? maxNewTokens : this.#length;
    const best = this.#normalised(this.#running[0]!.score, length);
    const worst = Math.min(...this.#finished.map(({ score }) => score));
    return this.#finished.some(({ done }) => best > (done ? worst : never));
  }
}
