import type { Hypothesis } from "./hypothesis.ts";

export interface BeamScorerOptions {
  /** Beams that it keeps, and rows that it collects. */
  size: number;
  lengthPenalty: number;
  earlyStopping: boolean | "never";
  maxNewTokens: number;
  eosTokenIds: ReadonlySet<number>;
  /** Says whether a row may end here. Default: any may. */
  accepts?: (hypothesis: Hypothesis | undefined) => boolean;
}

/** A row that has ended: its score, and its last token but the end token. */
export interface FinishedBeam {
  score: number;
  hypothesis: Hypothesis | undefined;
  /** True where an end token ended it. */
  byEnd: boolean;
}

/** A continuation of beam `beam` by `token`; `score` is the whole row's log probability. */
export interface BeamCandidate {
  beam: number;
  token: number;
  score: number;
}

/**
 * Collects finished rows of one set of beams, as beam search did it before transformers 4.50; the searches that left
 * transformers then (diverse groups, constraints) still do. Unlike `BeamSearch` it keeps end tokens out of the rows.
 *
 * Source: transformers 4.4x, `generation/beam_search.py` (`BeamSearchScorer`, `BeamHypotheses`).
 */
export class BeamScorer {
  readonly #options: BeamScorerOptions;
  readonly #finished: FinishedBeam[] = [];
  #worst = 1e9;
  #done = false;

  constructor(options: BeamScorerOptions) {
    this.#options = options;
  }

  /** Nothing better is to be expected. */
  get done(): boolean {
    return this.#done;
  }

  get finished(): readonly FinishedBeam[] {
    return this.#finished;
  }

  /**
   * Takes one step's candidates, best first, and gives the continuations of the next step.
   *
   * @param hypotheses the rows so far, by beam
   * @param length new tokens, the candidates' included
   */
  process(
    candidates: readonly BeamCandidate[],
    hypotheses: readonly (Hypothesis | undefined)[],
    length: number,
  ): BeamCandidate[] {
    const { size, eosTokenIds, accepts } = this.#options;
    const next: BeamCandidate[] = [];
    for (const [rank, candidate] of candidates.entries()) {
      if (eosTokenIds.has(candidate.token)) {
        const hypothesis = hypotheses[candidate.beam];
        if (rank < size && (accepts?.(hypothesis) ?? true)) this.add(hypothesis, candidate.score, length, true);
      } else next.push(candidate);
      if (next.length === size) break;
    }
    return next;
  }

  /** Decides whether the search is done. `best` is the best score of this step's candidates. */
  settle(best: number, length: number): void {
    this.#done ||= this.#isDone(best, length);
  }

  /** Adds a row, where it is among the best. */
  add(hypothesis: Hypothesis | undefined, sum: number, length: number, byEnd: boolean): void {
    const { size, lengthPenalty } = this.#options;
    const score = sum / length ** lengthPenalty;
    if (this.#finished.length >= size && !(score > this.#worst)) return;
    this.#finished.push({ score, hypothesis, byEnd });
    if (this.#finished.length <= size) {
      this.#worst = Math.min(score, this.#worst);
      return;
    }
    const order = this.#finished.map((_, index) => index).sort((a, b) => this.#scoreOf(a) - this.#scoreOf(b) || a - b);
    this.#worst = this.#scoreOf(order[1]!);
    this.#finished.splice(order[0]!, 1);
  }

  #scoreOf(index: number): number {
    return this.#finished[index]!.score;
  }

  #isDone(best: number, length: number): boolean {
    const { size, earlyStopping, lengthPenalty, maxNewTokens } = this.#options;
    if (this.#finished.length < size) return false;
    if (earlyStopping === true) return true;
    const reckoned = earlyStopping === "never" && lengthPenalty > 0 ? maxNewTokens : length;
    return this.#worst >= best / reckoned ** lengthPenalty;
  }
}
