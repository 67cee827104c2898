import type { Session, Step } from "../backends/backend.ts";
import { TsumugiError } from "../errors.ts";
import type { SamplingGroup, SamplingPicks } from "../sampling/group.ts";
import type { ActiveRequest } from "./active-request.ts";
import { buildBatch, buildEncodeBatch } from "./batch.ts";
import type { PagedState, StepPlan } from "./scheduler.ts";

/** What a step gave one request: its picks, or the exception of its decoder. */
export type Outcome =
  | { request: ActiveRequest; picks: readonly SamplingPicks[]; error?: undefined }
  | { request: ActiveRequest; picks?: undefined; error: unknown };

/**
 * Runs one planned step on a session. The step is queued first; what to pick is asked of the decoders while it runs,
 * and all of it is sampled with one call. Rejects where the session failed.
 */
export async function runStep(
  session: Session,
  plan: StepPlan<ActiveRequest>,
  states: readonly PagedState[],
): Promise<Outcome[]> {
  // Steps run in order: what the encoder writes is there when the decoder reads it.
  const encoded = plan.encodes.length > 0 ? session.run(buildEncodeBatch(plan, states), "encode") : undefined;
  const step = session.run(buildBatch(plan, states));
  try {
    if (encoded !== undefined) await session.sample(encoded, []);
    const outcomes: Outcome[] = [];
    const questions: Question[] = [];
    for (const { gang, firstRow } of plan.picks) {
      try {
        questions.push({ request: gang, groups: groupsOf(gang, firstRow) });
      } catch (error) {
        outcomes.push({ request: gang, error });
      }
    }
    const [sampled, failed] = await Promise.all([sampleAll(session, step, questions), observeAll(session, step, plan)]);
    const all = outcomes.concat(sampled);
    return all.map((outcome) => failed.get(outcome.request) ?? outcome);
  } finally {
    session.release(step);
    if (encoded !== undefined) session.release(encoded);
  }
}

/** Tells decoders that observe of the hidden states of their tokens; gives those that threw. */
async function observeAll(
  session: Session,
  step: Step,
  { chunks }: StepPlan<ActiveRequest>,
): Promise<Map<ActiveRequest, Outcome>> {
  const failed = new Map<ActiveRequest, Outcome>();
  const reads: Promise<void>[] = [];
  let first = 0;
  for (const { gang, sequence, start, count } of chunks) {
    const rows = Array.from({ length: count }, (_, index) => first + index);
    first += count;
    if (!gang.decoder.observe) continue;
    const tell = (hidden: Float32Array, output: string) => {
      try {
        gang.decoder.observe?.(sequence, start, hidden, hidden.length / count, output);
      } catch (error) {
        failed.set(gang, { request: gang, error });
      }
    };
    for (const output of gang.decoder.observed ?? ["hidden"]) {
      reads.push(session.read(step, output, rows).then((hidden) => tell(hidden, output)));
    }
  }
  await Promise.all(reads);
  return failed;
}

interface Question {
  request: ActiveRequest;
  groups: SamplingGroup[];
}

function groupsOf({ decoder, live, id }: ActiveRequest, firstRow: number): SamplingGroup[] {
  return decoder.groups(live).map((group) => ({
    ...group,
    rows: group.rows.map((row) => {
      if (!(row >= 0 && row < live.length)) {
        throw new TsumugiError("internal", { what: `the decoder of request ${id} picks from row ${row} of ${live.length}` });
      }
      return firstRow + row;
    }),
  }));
}

async function sampleAll(session: Session, step: Step, questions: readonly Question[]): Promise<Outcome[]> {
  let picks: SamplingPicks[];
  try {
    // Without groups this waits for the step.
    picks = await session.sample(
      step,
      questions.flatMap(({ groups }) => groups),
    );
  } catch (error) {
    if (questions.length === 0) throw error;
    // Either the step failed, and this says so again, or one request's processors did: its neighbours go on.
    await session.sample(step, []);
    return Promise.all(questions.map((question) => sampleOne(session, step, question)));
  }
  let next = 0;
  return questions.map(({ request, groups }) => {
    const first = next;
    next += groups.length;
    return { request, picks: picks.slice(first, next) };
  });
}

async function sampleOne(session: Session, step: Step, { request, groups }: Question): Promise<Outcome> {
  try {
    return { request, picks: await session.sample(step, groups) };
  } catch (error) {
    return { request, error };
  }
}
