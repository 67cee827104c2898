import type { Decoder, DecoderAction, FinishReason, Sequence } from "../../engine/request.ts";
import type { SamplingGroup, SamplingPicks, SamplingStep } from "../../sampling/index.ts";
import type { StepOutputs } from "../step-outputs.ts";
import type { StopStrings } from "../stop-strings.ts";
import { meetsAny, type StoppingCriterion } from "../stopping-criteria.ts";
import type { BeamRow } from "./hypothesis.ts";

export interface ContrastiveOptions {
  /** Candidates of each step. */
  candidates: number;
  /** Weight of the likeness to what stands before, 0 to 1. */
  penaltyAlpha: number;
  /** New tokens. */
  limit: number;
  eosTokenIds: ReadonlySet<number>;
  stopStrings?: StopStrings | null;
  stoppingCriteria?: readonly StoppingCriterion[];
  prompt: number;
  padded: readonly number[];
  /** Told of what each step's candidates were chosen from, as row `prompt`. */
  outputs?: StepOutputs;
}

interface Candidate {
  token: number;
  probability: number;
}

/**
 * Contrastive search (Su et al., 2022): of the likeliest tokens, the one that is likely and whose hidden state is least
 * like any before it. All candidates go through the model as forks of the row; the next step forks the one that was chosen.
 *
 * Source: transformers 4.4x, `GenerationMixin._contrastive_search`.
 */
export class ContrastiveDecoder implements Decoder {
  readonly #options: ContrastiveOptions;
  readonly #tokens: number[] = [];
  #candidates: Candidate[] = [];
  #finish: FinishReason | undefined;
  /** Hidden states of the row so far, each of length 1. */
  readonly #context: Float32Array[] = [];
  /** Hidden states of the candidates' tokens. */
  readonly #fresh = new Map<Sequence, Float32Array>();
  /** The logits, where they are asked for, that each candidate's successors would be chosen from. */
  readonly #logits: Float32Array[] = [];
  readonly #scores: Float32Array[] = [];

  constructor(options: ContrastiveOptions) {
    this.#options = options;
  }

  get steps(): number {
    return this.#tokens.length;
  }

  observe(sequence: Sequence, start: number, hidden: Float32Array, width: number): void {
    const length = sequence.promptLength + this.#tokens.length;
    for (let at = 0; at * width < hidden.length; at++) {
      const position = start + at;
      if (position < length && this.#context[position]) continue;
      const state = normalised(hidden.subarray(at * width, (at + 1) * width));
      if (position < length) this.#context[position] = state;
      else this.#fresh.set(sequence, state);
    }
  }

  groups(sequences: readonly Sequence[]): SamplingGroup[] {
    const { candidates: count, prompt, outputs: { onLogits, onScores } = {} } = this.#options;
    return sequences.map(({ processors }, row) => {
      const keep = (into: Float32Array[]): SamplingStep => ({
        kind: "call",
        apply: (scores) => {
          into[row] = scores.slice();
        },
      });
      const steps: SamplingStep[] = processors.steps({ row: prompt }).slice();
      if (onLogits) steps.unshift(keep(this.#logits));
      if (onScores) steps.push(keep(this.#scores));
      return { rows: [row], steps: [[...steps, { kind: "normalise" }]], pick: "top", count };
    });
  }

  next(picks: readonly SamplingPicks[], sequences: readonly Sequence[]): DecoderAction[] {
    const chosen = this.#candidates.length === 0 ? 0 : this.#choose(sequences);
    if (this.#finish) return sequences.map((sequence) => ({ kind: "drop", sequence }));
    const { prompt, outputs: { onLogits, onScores } = {} } = this.#options;
    onLogits?.(prompt, this.#tokens.length, this.#logits[chosen]!);
    onScores?.(prompt, this.#tokens.length, this.#scores[chosen]!);
    const { tokens, scores } = picks[chosen]!;
    this.#candidates = Array.from(tokens, (token, index) => ({ token, probability: Math.exp(scores[index]!) }));
    const sequence = sequences[chosen]!;
    const actions = this.#candidates.map(({ token }, index): DecoderAction => {
      return { kind: index === 0 ? "append" : "fork", sequence, token };
    });
    for (const other of sequences) if (other !== sequence) actions.push({ kind: "drop", sequence: other });
    return actions;
  }

  /** The one row. */
  rows(_count: number, otherwise: FinishReason = "length"): BeamRow[] {
    return [{ tokens: this.#tokens, beams: [], score: 0, finishReason: this.#finish ?? otherwise }];
  }

  /** Which candidate it is: live sequences are in the order in which candidates were appended and forked. */
  #choose(sequences: readonly Sequence[]): number {
    const { penaltyAlpha } = this.#options;
    let best = -Infinity;
    let chosen = 0;
    sequences.forEach((sequence, index) => {
      const state = this.#fresh.get(sequence)!;
      const likeness = Math.max(...this.#context.map((other) => product(other, state)));
      const score = (1 - penaltyAlpha) * this.#candidates[index]!.probability - penaltyAlpha * likeness;
      if (!(score > best)) return;
      best = score;
      chosen = index;
    });
    this.#context.push(this.#fresh.get(sequences[chosen]!)!);
    this.#fresh.clear();
    this.#accept(this.#candidates[chosen]!.token);
    return chosen;
  }

  #accept(token: number): void {
    const { eosTokenIds, stopStrings, stoppingCriteria, limit, padded, prompt } = this.#options;
    this.#tokens.push(token);
    const stopped =
      (stopStrings?.accept(token) ?? false) ||
      (stoppingCriteria !== undefined && meetsAny(stoppingCriteria, [...padded, ...this.#tokens], prompt));
    if (eosTokenIds.has(token)) this.#finish = "eos";
    else if (stopped) this.#finish = "stop";
    else if (this.#tokens.length >= limit) this.#finish = "length";
  }
}

function normalised(state: Float32Array): Float32Array {
  const length = Math.sqrt(product(state, state));
  return state.map((value) => value / length);
}

function product(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
