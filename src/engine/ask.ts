import type { Session, Step } from "../backends/backend.ts";
import { TsumugiError } from "../errors.ts";
import type { SamplingGroup, SamplingPicks } from "../sampling/group.ts";
import type { ActiveRequest } from "./active-request.ts";
import type { EngineSequence } from "./sequence.ts";
import type { PromptRows } from "./step-plan.ts";

/** Sequences of a request whose next token is wanted, and the logit row of each. */
export interface Question {
  request: ActiveRequest;
  sequences: readonly EngineSequence[];
  rows: readonly number[];
}

/** What a step gave one request: its picks, or the exception of its decoder. */
export type Outcome =
  | { question: Question; picks: readonly SamplingPicks[]; error?: undefined }
  | { question: Question; picks?: undefined; error: unknown };

/** What to pick from one sequence's rows of prompt tokens, as its decoder has it. */
export function promptGroupsOf({ gang, sequence, start, row, count }: PromptRows<ActiveRequest>): SamplingGroup[] {
  const groups = gang.decoder.promptGroups?.(sequence, start, count) ?? [];
  return groups.map((group) => withRows(group, (place) => (place < count ? row + place : undefined), gang.id, count));
}

/** What to pick for the next tokens of a request, as its decoder has it. */
export function groupsOf({ request: { decoder, id }, sequences, rows }: Question): SamplingGroup[] {
  return decoder.groups(sequences).map((group) => withRows(group, (place) => rows[place], id, rows.length));
}

function withRows(
  group: SamplingGroup,
  rowAt: (place: number) => number | undefined,
  id: number,
  count: number,
): SamplingGroup {
  const placeOf = (place: number) => {
    const row = place >= 0 ? rowAt(place) : undefined;
    if (row !== undefined) return row;
    throw new TsumugiError("internal", { what: `the decoder of request ${id} picks from row ${place} of ${count}` });
  };
  return { ...group, rows: group.rows.map(placeOf), ...(group.guides && { guides: group.guides.map(placeOf) }) };
}

/** How many picks a group gives. */
export function pickCount({ pick, count, target }: SamplingGroup): number {
  if (pick === "score") return target?.length ?? 0;
  return pick === "argmax" ? 1 : count;
}

/** What the groups of one decoder gave. */
export type Sampled = { picks: readonly SamplingPicks[] } | { error: unknown };

/**
 * Samples the groups of many decoders with one call, which has been made when this returns its promise. When it fails, it is
 * asked of each alone: either the step failed, and this rejects, or the steps of one decoder did, and its neighbours go on.
 *
 * @param onRetry told when the first call failed: the picks have then no numbers
 */
export async function sampleAll(
  session: Session,
  step: Step,
  asked: readonly (readonly SamplingGroup[])[],
  onRetry?: () => void,
): Promise<Sampled[]> {
  let picks: SamplingPicks[];
  try {
    // Without groups this waits for the step.
    picks = await session.sample(step, asked.flat());
  } catch (error) {
    onRetry?.();
    if (asked.length === 0) throw error;
    await session.sample(step, []);
    return Promise.all(asked.map((groups) => sampleOne(session, step, groups)));
  }
  let next = 0;
  return asked.map(({ length }) => {
    next += length;
    return { picks: picks.slice(next - length, next) };
  });
}

async function sampleOne(session: Session, step: Step, groups: readonly SamplingGroup[]): Promise<Sampled> {
  try {
    return { picks: await session.sample(step, groups) };
  } catch (error) {
    return { error };
  }
}
