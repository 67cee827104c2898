import { type BeamCandidate, BeamScorer } from "./beam-scorer.ts";
import { never } from "./beam-search.ts";
import { Constraint, ConstraintProgress } from "./constraints.ts";
import { type Hypothesis, rowOf } from "./hypothesis.ts";
import { ScoredBeamDecoder, type ScoredBeamOptions } from "./scored-beam-decoder.ts";

export interface ConstrainedBeamOptions extends ScoredBeamOptions {
  /** Every row must hold one phrase of each. */
  constraints: readonly (readonly (readonly number[])[])[];
  /** Rows that are wanted. */
  returned: number;
}

const { fround } = Math;

/**
 * Beam search that makes rows hold given phrases: beside the best continuations it tries the tokens that lead on with a
 * constraint, and keeps rows of every stage of progress (dynamic beam allocation, Post and Vilar, 2018).
 *
 * Source: transformers 4.4x, `GenerationMixin._constrained_beam_search`, `ConstrainedBeamSearchScorer`.
 */
export class ConstrainedBeamDecoder extends ScoredBeamDecoder {
  readonly #scorer: BeamScorer;
  readonly #constraints: readonly Constraint[];
  readonly #returned: number;

  constructor(options: ConstrainedBeamOptions) {
    super(
      options,
      Array.from({ length: options.beams }, (_, beam) => (beam === 0 ? 0 : never)),
    );
    this.#constraints = options.constraints.map((phrases) => new Constraint(phrases));
    this.#returned = options.returned;
    this.#scorer = new BeamScorer({
      ...options,
      size: options.beams,
      eosTokenIds: new Set(options.eosTokenIds),
      accepts: (hypothesis) => this.#progress(hypothesis).completed,
    });
  }

  protected scorers(): readonly BeamScorer[] {
    return [this.#scorer];
  }

  protected advance(length: number): BeamCandidate[] {
    const order = this.beams.map((_, beam) => beam);
    const { candidates, all } = this.best(
      order,
      order.map((beam) => this.processed(beam)),
    );
    const hypotheses = this.beams.map(({ hypothesis }) => hypothesis);
    const next = this.#scorer.process(candidates, hypotheses, length);
    const chosen = this.#withProgress(next, all);
    this.#scorer.settle(candidates[0]!.score, length);
    return chosen;
  }

  protected finalize(length: number): void {
    if (this.#scorer.done) return;
    const open = this.beams.map((beam) => ({ ...beam, completes: this.#progress(beam.hypothesis).completed }));
    const complete = open.filter(({ completes }) => completes);
    for (const { hypothesis, score } of complete) this.#scorer.add(hypothesis, score, length, false);
    if (complete.length >= this.#returned) return;
    // Too hard: better rows without the phrases than none.
    for (const { hypothesis, score, completes } of open) {
      if (!completes) this.#scorer.add(hypothesis, score, length, false);
    }
  }

  /** Adds the continuations that lead on with a constraint, then takes the best of each bank in turn. */
  #withProgress(next: readonly BeamCandidate[], all: Float32Array): BeamCandidate[] {
    const { vocabularySize } = this.options;
    const rows = next.map((candidate) => {
      const progress = this.#progress(this.beams[candidate.beam]!.hypothesis).fork();
      if (!progress.completed) progress.add(candidate.token);
      return { candidate, bank: progress.bank };
    });
    const known = new Set(next.map(({ beam, token }) => this.#name(beam, token)));
    this.beams.forEach(({ hypothesis }, beam) => {
      const progress = this.#progress(hypothesis);
      if (progress.completed) return;
      for (const token of progress.advance()) {
        const name = this.#name(beam, token);
        if (known.has(name)) continue;
        known.add(name);
        const further = progress.fork();
        further.add(token);
        rows.push({ candidate: { beam, token, score: all[beam * vocabularySize + token]! }, bank: further.bank });
      }
    });
    if (rows.length === next.length) return [...next];
    const weight = ({ candidate, bank }: (typeof rows)[number]) => fround(bank * 100 + candidate.score);
    const sorted = rows.map((row, index) => ({ ...row, index, weight: weight(row) }));
    sorted.sort((a, b) => b.weight - a.weight || a.index - b.index);
    let place = -1;
    let bank = sorted[0]!.bank;
    const placed = sorted.map((row) => {
      place = row.bank === bank ? place + 1 : 0;
      bank = row.bank;
      return { candidate: row.candidate, place };
    });
    placed.sort((a, b) => a.place - b.place); // stable
    return placed.slice(0, this.options.beams).map(({ candidate }) => candidate);
  }

  /** Names a continuation by its tokens: beams may hold the same row. */
  #name(beam: number, token: number): string {
    return [...rowOf(this.beams[beam]!.hypothesis, 0, "length").tokens, token].join();
  }

  /** How far a row has got, its prompt (pads included) counted. */
  #progress(hypothesis: Hypothesis | undefined): ConstraintProgress {
    const progress = new ConstraintProgress(this.#constraints);
    for (const token of [...this.options.padded, ...rowOf(hypothesis, 0, "length").tokens]) {
      if (progress.completed) break;
      progress.add(token);
    }
    return progress;
  }
}
