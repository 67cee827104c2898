import type { Decoder, DecoderAction, FinishReason, Sequence } from "../engine/request.ts";
import {
  drawPlace,
  type RandomStream,
  type SamplingGroup,
  type SamplingPicks,
  type SamplingStep,
  type StepPlace,
} from "../sampling/index.ts";
import type { StepListener, StepOutputs } from "./step-outputs.ts";
import type { StopStrings } from "./stop-strings.ts";
import { meetsAny, type StoppingCriterion } from "./stopping-criteria.ts";

export interface RowDecoderOptions {
  /** Output rows that this prompt gives: more than 1 by forks at the first step. */
  copies: number;
  /** Index of its first output row in the batch. */
  firstRow: number;
  /** Index of the prompt in the batch. */
  prompt: number;
  /** Output rows of the whole batch: B of the random places. */
  batchRows: number;
  vocabularySize: number;
  /** Given: draw. Absent: the first of the greatest. */
  stream?: RandomStream;
  maxNewTokens: number;
  eosTokenIds: ReadonlySet<number>;
  stopStrings?: StopStrings | null;
  stoppingCriteria?: readonly StoppingCriterion[];
  /** The prompt with its pads, as stopping criteria see it. */
  padded: readonly number[];
  outputs?: StepOutputs;
  /** Index of the negative prompt's row among the request's; absent: there is no guidance. */
  guide?: number;
}

/** Greedy search and sampling of one prompt: each output row by itself. */
export class RowDecoder implements Decoder {
  /**
   * Each row gets one pick, which is appended whether the row ends with it or not. Processors, stop strings and criteria are
   * asked when it is known.
   */
  readonly appendsPicks = true;
  readonly #options: RowDecoderOptions;
  readonly #stops: (StopStrings | undefined)[];
  #longest = 0;
  readonly observed?: readonly string[];
  readonly observedEncoder?: readonly string[];
  readonly observe?: NonNullable<Decoder["observe"]>;

  constructor(options: RowDecoderOptions) {
    this.#options = options;
    Object.assign(this, options.outputs?.states?.watch(options.prompt));
    this.#stops = Array.from({ length: options.copies }, () => options.stopStrings?.fork());
  }

  /** New tokens of the longest row so far. */
  get steps(): number {
    return this.#longest;
  }

  groups(sequences: readonly Sequence[]): SamplingGroup[] {
    if (this.#atStart(sequences)) {
      return Array.from({ length: this.#options.copies }, (_, copy) => this.#group(sequences[0]!, 0, copy));
    }
    return sequences.map((sequence, row) => this.#group(sequence, row, sequence.index));
  }

  next(picks: readonly SamplingPicks[], sequences: readonly Sequence[]): DecoderAction[] {
    const { firstRow, copies, outputs: { states } = {} } = this.#options;
    if (this.#atStart(sequences)) {
      const sequence = sequences[0]!;
      states?.commit(
        sequence,
        Array.from({ length: copies }, (_, copy) => firstRow + copy),
      );
      return picks.map((pick, copy) => {
        const token = pick.tokens[0]!;
        return { kind: copy === 0 ? "append" : "fork", sequence, token, finish: this.#finish(sequence, copy, token) };
      });
    }
    return sequences.map((sequence, row) => {
      states?.commit(sequence, [firstRow + sequence.index]);
      const token = picks[row]!.tokens[0]!;
      return { kind: "append", sequence, token, finish: this.#finish(sequence, sequence.index, token) };
    });
  }

  #atStart(sequences: readonly Sequence[]): boolean {
    const [first] = sequences;
    return sequences.length === 1 && first!.index === 0 && first!.tokens.length === first!.promptLength;
  }

  /** `row` is the index among the live sequences, `copy` the index of the output row among this prompt's. */
  #group(sequence: Sequence, row: number, copy: number): SamplingGroup {
    const { stream, batchRows, firstRow, vocabularySize, guide } = this.#options;
    const step = sequence.tokens.length - sequence.promptLength;
    const place = { step, row: firstRow + copy, batchRows, vocabularySize };
    const draw = stream && drawPlace(stream, place);
    const steps = this.#steps(sequence, step, { row: place.row, ...draw });
    const group = { rows: [row], steps: [steps], count: 1, ...(guide !== undefined && { guides: [guide] }) };
    return draw ? { ...group, pick: "draw", ...draw } : { ...group, pick: "argmax" };
  }

  #steps(sequence: Sequence, step: number, place: StepPlace): readonly SamplingStep[] {
    const steps = sequence.processors.steps(place);
    const { onLogits, onScores } = this.#options.outputs ?? {};
    if (!onLogits && !onScores) return steps;
    const tell = (listener: StepListener | undefined): SamplingStep[] =>
      listener ? [{ kind: "call", apply: (scores) => listener(place.row, step, scores.slice()) }] : [];
    return [...tell(onLogits), ...steps, ...tell(onScores)];
  }

  #finish(sequence: Sequence, copy: number, token: number): FinishReason | undefined {
    const { eosTokenIds, maxNewTokens } = this.#options;
    const length = sequence.tokens.length - sequence.promptLength + 1;
    this.#longest = Math.max(this.#longest, length);
    const stopped = (this.#stops[copy]?.accept(token) ?? false) || this.#meetsCriteria(sequence, copy, token);
    if (eosTokenIds.has(token)) return "eos";
    if (stopped) return "stop";
    return length >= maxNewTokens ? "length" : undefined;
  }

  #meetsCriteria(sequence: Sequence, copy: number, token: number): boolean {
    const { stoppingCriteria, padded, firstRow } = this.#options;
    if (!stoppingCriteria) return false;
    return meetsAny(stoppingCriteria, [...padded, ...sequence.tokens.slice(sequence.promptLength), token], firstRow + copy);
  }
}
