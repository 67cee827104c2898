import type { Decoder, DecoderAction, FinishReason, Sequence } from "../../engine/request.ts";
import {
  type DrawPlace,
  drawPlace,
  type RandomStream,
  type SamplingGroup,
  type SamplingPicks,
  type SamplingStep,
} from "../../sampling/index.ts";
import type { StepListener, StepOutputs } from "../step-outputs.ts";
import type { StopStrings } from "../stop-strings.ts";
import { meetsAny, type StoppingCriterion } from "../stopping-criteria.ts";
import { BeamSearch, type BeamSearchOptions } from "./beam-search.ts";
import { type BeamRow, type Hypothesis, rowOf } from "./hypothesis.ts";
import { RunningBeams } from "./running-beams.ts";

export interface BeamDecoderOptions extends BeamSearchOptions {
  /** Index of this prompt among those of the batch, and their number: they say where its random numbers stand. */
  prompt: number;
  prompts: number;
  vocabularySize: number;
  /** Given: draw candidates. Absent: the best. */
  stream?: RandomStream;
  /** New tokens after which a row ends; `maxNewTokens` unless the model has no position for so many. */
  limit: number;
  eosTokenIds: readonly number[];
  stopStrings?: StopStrings | null;
  /** They are asked about every candidate; the row they are told is the prompt's index. */
  stoppingCriteria?: readonly StoppingCriterion[];
  /** The prompt with its pads, as stopping criteria see it. */
  padded: readonly number[];
  /** Told of every beam as row prompt · beams + beam. */
  outputs?: StepOutputs;
}

/** Beam search and beam sampling of one prompt, on sequences that share what they have in common. */
export class BeamDecoder implements Decoder {
  readonly #options: BeamDecoderOptions;
  readonly #search: BeamSearch;
  readonly #running: RunningBeams;
  readonly #candidates: number;
  readonly observed?: readonly string[];
  readonly observedEncoder?: readonly string[];
  readonly observe?: NonNullable<Decoder["observe"]>;

  constructor(options: BeamDecoderOptions) {
    this.#options = options;
    Object.assign(this, options.outputs?.states?.watch(options.prompt));
    this.#search = new BeamSearch(options);
    this.#running = new RunningBeams(options.beams);
    this.#candidates = Math.max(2, 1 + options.eosTokenIds.length) * options.beams;
  }

  /** Steps taken. */
  get steps(): number {
    return this.#search.length;
  }

  /** The best rows, best first: those of the end, or of the moment. */
  rows(count: number, otherwise?: FinishReason): BeamRow[] {
    return this.#search.rows(count, otherwise);
  }

  groups(sequences: readonly Sequence[]): SamplingGroup[] {
    const { beams, prompt, prompts, vocabularySize, stream } = this.#options;
    const rows = this.#running.locate(sequences);
    const draws = rows.map((_, beam) => {
      const place = { step: this.#search.length, row: prompt * beams + beam, batchRows: prompts * beams, vocabularySize };
      return stream && drawPlace(stream, place);
    });
    const steps = rows.map((row, beam) => this.#stepsOf(sequences[row]!, beam, draws[beam]));
    const group = { rows, steps, bias: this.#search.scores, count: Math.min(this.#candidates, beams * vocabularySize) };
    const [first] = draws;
    // the rows of one draw stand next to each other in the stream
    return [first ? { ...group, pick: "draw", ...first } : { ...group, pick: "top" }];
  }

  next([picks]: readonly SamplingPicks[], sequences: readonly Sequence[]): DecoderAction[] {
    const { outputs, prompt, beams } = this.#options;
    this.#running.tell(outputs?.states, sequences, (beam) => prompt * beams + beam);
    this.#search.advance(picks!, (parent, token) => this.#continue(parent, token));
    if (this.#search.ended) return sequences.map((sequence) => ({ kind: "drop", sequence }));
    const { running } = this.#search;
    return this.#running.move(
      running.map((hypothesis) => hypothesis!),
      sequences,
    );
  }

  #continue(parent: Hypothesis | undefined, token: number): Pick<Hypothesis, "finish" | "stops"> {
    const { eosTokenIds, limit, stopStrings } = this.#options;
    const stops = (parent ? parent.stops : (stopStrings ?? undefined))?.fork();
    const stopped = (stops?.accept(token) ?? false) || this.#meetsCriteria(parent, token);
    const length = (parent?.length ?? 0) + 1;
    const finish = eosTokenIds.includes(token) ? "eos" : stopped ? "stop" : length >= limit ? "length" : undefined;
    return { stops, finish };
  }

  #meetsCriteria(parent: Hypothesis | undefined, token: number): boolean {
    const { stoppingCriteria, padded, prompt } = this.#options;
    if (!stoppingCriteria) return false;
    return meetsAny(stoppingCriteria, [...padded, ...rowOf(parent, 0, "length").tokens, token], prompt);
  }

  #stepsOf({ processors }: Sequence, beam: number, draw: DrawPlace | undefined): SamplingStep[] {
    const { outputs: { onLogits, onScores } = {}, prompt, beams } = this.#options;
    const scoreRow = prompt * beams + beam;
    const place = { row: prompt, scoreRow, ...draw };
    const tell = (listener: StepListener | undefined): SamplingStep[] => {
      if (!listener) return [];
      return [{ kind: "call", apply: (scores) => listener(scoreRow, this.#search.length, scores.slice()) }];
    };
    return [...tell(onLogits), { kind: "normalise" }, ...processors.steps(place), ...tell(onScores)];
  }
}
