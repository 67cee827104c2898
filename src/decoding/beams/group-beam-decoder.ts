import { type BeamCandidate, BeamScorer } from "./beam-scorer.ts";
import { never } from "./beam-search.ts";
import { ScoredBeamDecoder, type ScoredBeamOptions } from "./scored-beam-decoder.ts";

export interface GroupBeamOptions extends ScoredBeamOptions {
  /** Divides `beams`. */
  groups: number;
  /** Taken from a token's score for each beam of an earlier group that has chosen it in this step. */
  diversityPenalty: number;
}

/**
 * Diverse beam search (Vijayakumar et al., 2018): groups of beams, each a beam search of its own, that keep away from what
 * the groups before them choose in the same step (Hamming diversity).
 *
 * Source: transformers 4.4x, `GenerationMixin._group_beam_search`.
 */
export class GroupBeamDecoder extends ScoredBeamDecoder {
  readonly #scorers: BeamScorer[];
  readonly #size: number;
  readonly #penalty: number;

  constructor(options: GroupBeamOptions) {
    const size = options.beams / options.groups;
    super(
      options,
      Array.from({ length: options.beams }, (_, beam) => (beam % size === 0 ? 0 : never)),
    );
    this.#size = size;
    this.#penalty = options.diversityPenalty;
    const eosTokenIds = new Set(options.eosTokenIds);
    this.#scorers = Array.from({ length: options.groups }, () => new BeamScorer({ ...options, size, eosTokenIds }));
  }

  protected scorers(): readonly BeamScorer[] {
    return this.#scorers;
  }

  /** Each group is processed by itself, for all prompts at once. */
  protected override scoreRow(beam: number): number {
    return this.options.prompt * this.#size + (beam % this.#size);
  }

  protected advance(length: number): (BeamCandidate | undefined)[] {
    const { padTokenId, eosTokenIds, vocabularySize } = this.options;
    const pad = padTokenId ?? eosTokenIds[0] ?? 0;
    const chosen = new Map<number, number>();
    return this.#scorers.flatMap((scorer, group): (BeamCandidate | undefined)[] => {
      const beams = Array.from({ length: this.#size }, (_, place) => group * this.#size + place);
      const count = (token: number) => chosen.set(token, (chosen.get(token) ?? 0) + 1);
      if (scorer.done) {
        for (const _ of beams) count(pad);
        return beams.map(() => undefined);
      }
      const known = [...chosen].filter(([token]) => token < vocabularySize);
      const tokens = Int32Array.from(known, ([token]) => token);
      const values = Float32Array.from(known, ([, times]) => -this.#penalty * times);
      const scores = beams.map((beam) => this.processed(beam, [{ kind: "edit", how: "add", tokens, values }]));
      const { candidates } = this.best(beams, scores);
      const hypotheses = this.beams.map(({ hypothesis }) => hypothesis);
      const next = scorer.process(candidates, hypotheses, length);
      scorer.settle(candidates[0]!.score, length);
      for (const { token } of next) count(token);
      return next;
    });
  }

  protected finalize(length: number): void {
    this.#scorers.forEach((scorer, group) => {
      if (scorer.done) return;
      for (const { hypothesis, score } of this.beams.slice(group * this.#size, (group + 1) * this.#size)) {
        scorer.add(hypothesis, score, length, false);
      }
    });
  }
}
