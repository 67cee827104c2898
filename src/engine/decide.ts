import { TsumugiError } from "../errors.ts";
import type { Model } from "../ops/program.ts";
import type { SamplingPicks } from "../sampling/group.ts";
import { applyActions } from "./actions.ts";
import type { ActiveRequest } from "./active-request.ts";
import type { Question } from "./ask.ts";
import type { RequestEvent } from "./request.ts";
import type { Scheduler } from "./scheduler.ts";
import type { EngineSequence } from "./sequence.ts";

/** What a decoder decides with. */
export interface DecisionContext {
  scheduler: Scheduler<ActiveRequest>;
  model: Model;
  nextSequenceId(): number;
}

export interface Decision {
  /** Tokens that were appended, in order. */
  events: RequestEvent[];
  /** The question about those sequences that picked what their draft said; undefined when there are none. */
  next: Question | undefined;
}

/** Gives a request's decoder its picks, does what it wants done, and judges the drafts. `ended` takes the sequences that end. */
export function decide(
  { request, sequences, rows }: Question,
  picks: readonly SamplingPicks[],
  { scheduler, model, nextSequenceId }: DecisionContext,
  ended: EngineSequence[],
): Decision {
  const isAhead = sequences.map(({ ahead }) => ahead !== undefined);
  for (const sequence of sequences) sequence.ahead = undefined;
  const events = applyActions(request, sequences, request.decoder.next(picks, sequences), {
    fork: (parent, child) => scheduler.fork(request, parent, child),
    end: (sequence) => {
      scheduler.end(request, sequence);
      ended.push(sequence);
    },
    park: () => scheduler.park(request),
    restart: (sequence) => scheduler.restart(sequence),
    nextSequenceId,
    longest: longestOf(model),
    rotarySwitch: rotarySwitchOf(model),
  });
  sequences.forEach((sequence, index) => {
    if (!isAhead[index] || sequence.finishReason !== undefined) return;
    const pick = picks[index]?.tokens[0];
    const { tokens } = sequence;
    if (request.status === "running" && tokens[tokens.length - 1] === pick) return;
    throw new TsumugiError("internal", { what: `the decoder of request ${request.id} does not append its pick ${pick}` });
  });
  return { events, next: judgeDrafts(request, sequences, rows) };
}

/** A sequence of this many tokens cannot be continued: the model has no position for another one. Infinity: there is no bound. */
export function longestOf({ positionsAreBounded, maxPositions }: Model): number {
  return positionsAreBounded ? maxPositions + 1 : Number.POSITIVE_INFINITY;
}

/** A sequence that outgrows this many tokens turns with other rotary factors from its first token on. Infinity: none does. */
export function rotarySwitchOf({ rotarySwitch }: Model): number {
  return rotarySwitch ?? Number.POSITIVE_INFINITY;
}

function judgeDrafts(
  request: ActiveRequest,
  sequences: readonly EngineSequence[],
  rows: readonly number[],
): Question | undefined {
  const held: EngineSequence[] = [];
  const nextRows: number[] = [];
  sequences.forEach((sequence, index) => {
    const { tokens, draft, drafted, accepted } = sequence;
    if (drafted === 0) return;
    const holds = accepted < drafted && tokens[tokens.length - 1] === draft[accepted];
    if (holds) sequence.accepted += 1;
    if (!holds || sequence.finishReason !== undefined) {
      request.drafter?.judge?.(sequence, drafted, sequence.accepted);
      return;
    }
    sequence.computed += 1;
    held.push(sequence);
    nextRows.push((rows[index] as number) + 1);
  });
  return held.length > 0 ? { request, sequences: held, rows: nextRows } : undefined;
}
