import type { Session, Step } from "../backends/backend.ts";
import { TsumugiError } from "../errors.ts";
import type { SamplingGroup, SamplingPicks } from "../sampling/group.ts";
import type { ActiveRequest } from "./active-request.ts";
import { buildBatch, buildEncodeBatch } from "./batch.ts";
import type { EngineSequence } from "./sequence.ts";
import { type Failures, observedBy, StepObserver } from "./step-observer.ts";
import type { PagedState, StepPlan } from "./step-plan.ts";

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

/**
 * Runs one planned step on a session. The step is queued first; what to pick is asked of the decoders while it runs,
 * and all of it is sampled with one call. Rejects where the session failed.
 *
 * @param running the requests of the plan, and maybe others.
 * @param settle told of all outcomes; gives the questions that follow from them: where a token of a draft was picked, the
 *   one behind it is picked from the same step. So a row's processors have seen all tokens before it, and rows behind a
 *   token that was not picked cost nothing.
 */
export async function runStep(
  session: Session,
  plan: StepPlan<ActiveRequest>,
  states: readonly PagedState[],
  running: readonly ActiveRequest[],
  settle: (outcomes: readonly Outcome[]) => Question[],
): Promise<void> {
  // Steps run in order: what the encoder writes is there when the decoder reads it.
  const reads = observedBy(running);
  const encoded = plan.encodes.length > 0 ? session.run(buildEncodeBatch(plan, states), "encode", reads) : undefined;
  const step = session.run(buildBatch(plan, states), "decode", reads);
  try {
    const observer = new StepObserver();
    const failures: Failures[] = [];
    if (encoded !== undefined) {
      await session.sample(encoded, []);
      failures.push(await observer.readEncoder(session, encoded, plan, running));
    }
    let questions: Question[] = plan.picks.map(({ gang, rows }) => ({ request: gang, sequences: [...gang.live], rows }));
    const [first, failed] = await Promise.all([ask(session, step, questions), observer.read(session, step, plan)]);
    questions = settle(withFailures(first, [...failures, failed]));
    while (questions.length > 0) {
      const missed = observer.tellDrafts(questions);
      const outcomes = await ask(session, step, questions);
      questions = settle(withFailures(outcomes, [missed]));
    }
  } finally {
    session.release(step);
    if (encoded !== undefined) session.release(encoded);
  }
}

/** The outcomes, those of requests whose decoder threw when it observed replaced. */
function withFailures(outcomes: readonly Outcome[], failures: readonly Failures[]): Outcome[] {
  return outcomes.map((outcome) => {
    const { question } = outcome;
    const failed = failures.find((each) => each.has(question.request));
    return failed ? { question, error: failed.get(question.request) } : outcome;
  });
}

/** Asks the decoders what to pick, and picks it. */
async function ask(session: Session, step: Step, questions: readonly Question[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const good: Asked[] = [];
  for (const question of questions) {
    try {
      good.push({ question, groups: groupsOf(question) });
    } catch (error) {
      outcomes.push({ question, error });
    }
  }
  return outcomes.concat(await sampleAll(session, step, good));
}

interface Asked {
  question: Question;
  groups: SamplingGroup[];
}

function groupsOf({ request: { decoder, id }, sequences, rows }: Question): SamplingGroup[] {
  const placeOf = (row: number) => {
    const place = rows[row];
    if (place !== undefined) return place;
    throw new TsumugiError("internal", { what: `the decoder of request ${id} picks from row ${row} of ${rows.length}` });
  };
  return decoder.groups(sequences).map((group) => ({
    ...group,
    rows: group.rows.map(placeOf),
    ...(group.guides && { guides: group.guides.map(placeOf) }),
  }));
}

async function sampleAll(session: Session, step: Step, questions: readonly Asked[]): Promise<Outcome[]> {
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
    return Promise.all(questions.map((asked) => sampleOne(session, step, asked)));
  }
  let next = 0;
  return questions.map(({ question, groups }) => {
    const first = next;
    next += groups.length;
    return { question, picks: picks.slice(first, next) };
  });
}

async function sampleOne(session: Session, step: Step, { question, groups }: Asked): Promise<Outcome> {
  try {
    return { question, picks: await session.sample(step, groups) };
  } catch (error) {
    return { question, error };
  }
}
