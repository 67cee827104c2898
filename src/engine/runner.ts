import type { Session, Step } from "../backends/backend.ts";
import type { SamplingGroup } from "../sampling/group.ts";
import type { ActiveRequest } from "./active-request.ts";
import { groupsOf, type Outcome, pickCount, promptGroupsOf, type Question, type Sampled, sampleAll } from "./ask.ts";
import { buildBatch, buildEncodeBatch } from "./batch.ts";
import type { EngineSequence } from "./sequence.ts";
import type { StateLayout } from "./state-layout.ts";
import { type Failures, observedBy, StepObserver } from "./step-observer.ts";
import { isLive, keepLive, type PromptRows, type StepPlan } from "./step-plan.ts";

/** Whether the step behind may be planned before the next token of a sequence is known. */
export type MayRunAhead = (request: ActiveRequest, sequence: EngineSequence) => boolean;

/** One planned step on a session: queued when it is made, then asked about, then settled. */
export class StepRun {
  readonly plan: StepPlan<ActiveRequest>;
  /** Requests that ran when the step was queued: those of the plan, and maybe others. */
  readonly running: readonly ActiveRequest[];
  /** It was queued with tokens that are picks of the step before, by their numbers. */
  readonly takesPicks: boolean;
  /** The session could not pick for all decoders at once. A step that takes these picks must be queued again. */
  hasLostPicks = false;
  readonly #session: Session;
  readonly #states: readonly StateLayout[];
  readonly #observer = new StepObserver();
  readonly #encoded: Step | undefined;
  #step: Step;
  #first: Promise<Outcome[]> | undefined;

  /** Queues the step. Steps run in order: what the encoder writes is there when the decoder reads it. */
  constructor(
    session: Session,
    plan: StepPlan<ActiveRequest>,
    states: readonly StateLayout[],
    running: readonly ActiveRequest[],
  ) {
    this.plan = plan;
    this.running = running;
    this.#session = session;
    this.#states = states;
    const reads = observedBy(running);
    this.#encoded = plan.encodes.length > 0 ? session.run(buildEncodeBatch(plan, states), "encode", reads) : undefined;
    const batch = buildBatch(plan, states);
    this.takesPicks = batch.tokenIds.some((token) => token < 0);
    this.#step = session.run(batch, "decode", reads);
  }

  /**
   * Asks the decoders what to pick, while the step runs, and samples all of it with one call. That call has been made when
   * this returns, unless the step has encoder inputs, which decoders may want to see first.
   *
   * @param mayRunAhead marks sequences whose pick the next step can take by its number. Default: none are marked.
   */
  ask(mayRunAhead?: MayRunAhead): void {
    this.#first = this.#encoded === undefined ? this.#askNow(mayRunAhead) : this.#askBehindEncoder(this.#encoded);
    this.#first.catch(() => {}); // `settle` rejects with it
  }

  /**
   * Waits for the picks. Rejects where the session failed.
   *
   * @param settle told of all outcomes; gives the questions that follow from them: where a token of a draft was picked, the
   *   one behind it is picked from the same step. So a row's processors have seen all tokens before it, and rows behind a
   *   token that was not picked cost nothing.
   */
  async settle(settle: (outcomes: readonly Outcome[]) => Question[]): Promise<void> {
    if (this.#first === undefined) this.ask();
    let questions = settle((await this.#first) as Outcome[]);
    while (questions.length > 0) {
      const failed = new Map(this.#observer.tellDrafts(questions));
      const asked = collect(questions, groupsOf, ({ request }) => request, failed);
      const sampled = await sampleAll(
        this.#session,
        this.#step,
        asked.map(({ groups }) => groups),
      );
      questions = settle(outcomesOf(asked, sampled, failed));
    }
  }

  /** Queues the step once more, for those of its sequences that have not ended. False: none are left. */
  queueAgain(): boolean {
    this.#session.release(this.#step);
    keepLive(this.plan);
    if (this.plan.chunks.length > 0) {
      this.#step = this.#session.run(buildBatch(this.plan, this.#states), "decode", observedBy(this.running));
    }
    return this.plan.chunks.length > 0;
  }

  /** Frees what the step holds. Call once, at the end. */
  release(): void {
    if (this.plan.chunks.length > 0) this.#session.release(this.#step);
    if (this.#encoded !== undefined) this.#session.release(this.#encoded);
  }

  async #askBehindEncoder(encoded: Step): Promise<Outcome[]> {
    await this.#session.sample(encoded, []);
    const failed = await this.#observer.readEncoder(this.#session, encoded, this.plan, this.running);
    return this.#askNow(undefined, failed);
  }

  async #askNow(mayRunAhead?: MayRunAhead, before: Failures = new Map()): Promise<Outcome[]> {
    const { picks, prompts } = this.plan;
    const failed = new Map(before);
    const wanted = prompts.filter(({ gang, sequence }) => isLive(gang, sequence));
    const ofPrompts = collect(wanted, promptGroupsOf, ({ gang }) => gang, failed);
    const asked = collect(picks.map(questionOf).filter(hasSequences), groupsOf, ({ request }) => request, failed);
    const groups = [...ofPrompts, ...asked].map((each) => each.groups);
    if (mayRunAhead) markAhead(ofPrompts.flatMap((each) => each.groups).reduce(addPicks, 0), asked, mayRunAhead);
    const [sampled, observed] = await Promise.all([
      sampleAll(this.#session, this.#step, groups, () => {
        this.hasLostPicks = true;
      }),
      this.#observer.read(this.#session, this.#step, this.plan),
    ]);
    for (const [request, error] of observed) failed.set(request, error);
    ofPrompts.forEach(({ item }, index) => {
      tellPrompt(item, sampled[index] as Sampled, failed);
    });
    return outcomesOf(asked, sampled.slice(ofPrompts.length), failed);
  }
}

/** What is asked about a gang's picks: a sequence that ended while the step was in flight has none. */
function questionOf({ gang: request, sequences, rows }: StepPlan<ActiveRequest>["picks"][number]): Question {
  if (sequences.every((sequence) => isLive(request, sequence))) return { request, sequences, rows };
  const places = sequences.map((_, place) => place).filter((place) => isLive(request, sequences[place] as EngineSequence));
  const pick = <T>(list: readonly T[]) => places.map((place) => list[place] as T);
  return { request, sequences: pick(sequences), rows: pick(rows) };
}

const hasSequences = ({ sequences }: Question): boolean => sequences.length > 0;

interface Asked<T> {
  item: T;
  groups: SamplingGroup[];
}

/** The groups of each item; an exception fails the item's request. */
function collect<T>(
  items: readonly T[],
  groupsOfItem: (item: T) => SamplingGroup[],
  requestOf: (item: T) => ActiveRequest,
  failed: Map<ActiveRequest, unknown>,
): Asked<T>[] {
  const asked: Asked<T>[] = [];
  for (const item of items) {
    try {
      asked.push({ item, groups: groupsOfItem(item) });
    } catch (error) {
      failed.set(requestOf(item), error);
    }
  }
  return asked;
}

const addPicks = (sum: number, group: SamplingGroup): number => sum + pickCount(group);

/** Gives sequences the numbers of their picks, where a decoder always appends them and all of its sequences may run ahead. */
function markAhead(first: number, asked: readonly Asked<Question>[], mayRunAhead: MayRunAhead): void {
  let number = first;
  for (const { item, groups } of asked) {
    const { request, sequences, rows } = item;
    const isPlain =
      groups.length === sequences.length &&
      groups.every((group, index) => group.rows.length === 1 && group.rows[0] === rows[index] && pickCount(group) === 1);
    if (request.decoder.appendsPicks && isPlain && sequences.every((sequence) => mayRunAhead(request, sequence))) {
      sequences.forEach((sequence, index) => {
        sequence.ahead = number + index;
      });
    }
    number = groups.reduce(addPicks, number);
  }
}

/** Tells a decoder what was picked from rows of its prompt. They are not wanted again. */
function tellPrompt(
  { gang, sequence, start, count }: PromptRows<ActiveRequest>,
  sampled: Sampled,
  failed: Map<ActiveRequest, unknown>,
): void {
  if (gang.status !== "running") return;
  const end = start + count;
  sequence.outputsFrom = end < sequence.promptLength - 1 ? end : Number.POSITIVE_INFINITY;
  try {
    if ("error" in sampled) throw sampled.error;
    gang.decoder.promptPicks?.(sampled.picks, sequence, start, count);
  } catch (error) {
    failed.set(gang, error);
  }
}

/** One outcome for each question, and for each request that failed without one. */
function outcomesOf(asked: readonly Asked<Question>[], sampled: readonly Sampled[], failed: Failures): Outcome[] {
  const outcomes: Outcome[] = [];
  for (const [request, error] of failed) outcomes.push({ question: { request, sequences: [], rows: [] }, error });
  asked.forEach(({ item: question }, index) => {
    if (failed.has(question.request)) return;
    const result = sampled[index] as Sampled;
    outcomes.push("error" in result ? { question, error: result.error } : { question, picks: result.picks });
  });
  return outcomes;
}
