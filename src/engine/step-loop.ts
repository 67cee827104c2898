import type { Session } from "../backends/backend.ts";
import { TsumugiError } from "../errors.ts";
import type { Model } from "../ops/program.ts";
import type { ActiveRequest } from "./active-request.ts";
import type { Outcome, Question } from "./ask.ts";
import type { Deadlines } from "./deadlines.ts";
import { decide, longestOf, rotarySwitchOf } from "./decide.ts";
import type { Endings } from "./endings.ts";
import type { IdleMemory } from "./idle-memory.ts";
import { askForDrafts } from "./propose.ts";
import type { RequestEvent } from "./request.ts";
import { StepRun } from "./runner.ts";
import type { Scheduler } from "./scheduler.ts";
import type { EngineSequence } from "./sequence.ts";
import { reportOf, type StepReport } from "./step-report.ts";
import type { WaitingRoom } from "./waiting-room.ts";

/** What the loop works with. */
export interface StepLoopParts {
  session: Session;
  model: Model;
  scheduler: Scheduler<ActiveRequest>;
  endings: Endings;
  deadlines: Deadlines;
  idleMemory: IdleMemory;
  waitingRoom: WaitingRoom;
  /** The most steps that are queued on the session at once. */
  stepsInFlight: number;
  now: () => number;
  nextSequenceId: () => number;
  onStep: ((report: StepReport) => void) | undefined;
  /** Told when the books could not be mended behind an exception: nothing can run any more. */
  onBroken: (error: unknown) => void;
}

/** Plans steps, queues them on the session and settles them, for as long as there is something to do. */
export class StepLoop {
  readonly #session: Session;
  readonly #model: Model;
  readonly #scheduler: Scheduler<ActiveRequest>;
  readonly #endings: Endings;
  readonly #deadlines: Deadlines;
  readonly #idleMemory: IdleMemory;
  readonly #waitingRoom: WaitingRoom;
  readonly #stepsInFlight: number;
  readonly #now: () => number;
  readonly #nextSequenceId: () => number;
  readonly #onStep: StepLoopParts["onStep"];
  readonly #onBroken: StepLoopParts["onBroken"];
  /** Steps that have been queued and not been settled, in order. */
  readonly #runs: StepRun[] = [];
  #running: Promise<void> | undefined;
  /** Steps that have been computed. */
  steps = 0;

  constructor(parts: StepLoopParts) {
    this.#session = parts.session;
    this.#model = parts.model;
    this.#scheduler = parts.scheduler;
    this.#endings = parts.endings;
    this.#deadlines = parts.deadlines;
    this.#idleMemory = parts.idleMemory;
    this.#waitingRoom = parts.waitingRoom;
    this.#stepsInFlight = parts.stepsInFlight;
    this.#now = parts.now;
    this.#nextSequenceId = parts.nextSequenceId;
    this.#onStep = parts.onStep;
    this.#onBroken = parts.onBroken;
  }

  /** Starts the loop where it rests. */
  wake(): void {
    if (this.#running) return;
    this.#deadlines.stopTimer();
    this.#idleMemory.stopTimer();
    this.#running = this.#run();
  }

  /** Resolves when the loop rests. */
  async rest(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    // Requests of one tick go into the first step together.
    await undefined;
    for (;;) {
      try {
        // Decided in the same tick as `#running` is cleared: a request, or a draft, that comes later starts the loop again.
        if (this.#runs.length === 0 && !this.#queueStep()) break;
        await this.#advance();
      } catch (error) {
        this.#collapse(error);
      }
    }
    this.#running = undefined;
    this.#deadlines.startTimer();
    this.#idleMemory.startTimer();
  }

  /** Plans a step and queues it. False: there is nothing to do until a request, a draft or a step in flight comes back. */
  #queueStep(): boolean {
    for (const request of this.#deadlines.passed()) this.#endings.finish(request, "time");
    const { running, waiting, states } = this.#scheduler;
    while (running.length + waiting.length > 0) {
      const plan = this.#scheduler.plan();
      for (const { gang, error } of plan.failed) this.#endings.fail(gang, error);
      for (const gang of plan.preempted) gang.knowsItWaits = false;
      this.#waitingRoom.tellWaiting();
      if (plan.chunks.length > 0) {
        const now = this.#now();
        for (const { gang } of plan.chunks) gang.start(now);
        const inStep = running.filter(({ held }) => !held);
        this.#runs.push(new StepRun(this.#session, plan, states, inStep));
        return true;
      }
      if (plan.failed.length > 0) continue;
      if (this.#runs.length > 0) return false;
      const held = running.filter((request) => request.held).pop();
      if (!held) {
        if (running.length + waiting.length === 0) return false; // those that waited have been aborted
        // Never seen: the first request in rank always moves. Better an error than a loop that spins.
        throw new TsumugiError("internal", { what: "the scheduler is stuck" });
      }
      // Requests that park give drafts to others, which may hold all the room that they wait for: so nobody waits for a draft.
      if (![...running, ...waiting].some((request) => request.parks && !request.held)) return false;
      held.held = false;
    }
    return false;
  }

  /** Settles the step that was queued first. Before that, the next one is queued, where more than one may be in flight. */
  async #advance(): Promise<void> {
    const run = this.#runs[0] as StepRun;
    if (this.#stepsInFlight > 1) {
      run.ask((request, sequence) => this.#mayRunAhead(request, sequence));
      if (this.#runs.length < this.#stepsInFlight) this.#queueStep();
    }
    const isSettled = await this.#settleRun(run);
    const next = this.#runs[0];
    // When the session could not make the picks that the next step takes, their tokens are known now, or their requests failed.
    if (next?.takesPicks && (run.hasLostPicks || !isSettled) && !next.queueAgain()) {
      this.#runs.shift();
      this.#scheduler.discard();
      next.release();
    }
  }

  /** Waits for a step, and does what the decoders want done. False: the step failed, and its requests with it. */
  async #settleRun(run: StepRun): Promise<boolean> {
    const { plan } = run;
    const drafts = plan.chunks.filter(({ draft }) => draft > 0);
    let isCommitted = false;
    try {
      await run.settle((outcomes) => {
        const isFirst = !isCommitted;
        if (isFirst) {
          this.steps += 1;
          this.#scheduler.commit(plan);
          isCommitted = true;
        }
        return outcomes.flatMap((outcome) => this.#settle(outcome, isFirst));
      });
    } catch (error) {
      for (const request of run.running) if (request.status !== "ended") this.#endings.fail(request, error);
      return false;
    } finally {
      this.#runs.shift();
      run.release();
      if (!isCommitted) this.#scheduler.discard();
      this.#scheduler.settle(plan);
    }
    for (const { gang } of plan.picks) this.#propose(gang);
    this.#onStep?.(reportOf(plan, drafts));
    return true;
  }

  /** Appends what a request's decoder decided, tells its listener, and ends it when nothing of it lives. */
  #settle({ question, picks, error }: Outcome, isFirst: boolean): Question[] {
    const { request } = question;
    if (request.status !== "running") return []; // aborted while the step was in flight
    if (picks === undefined) {
      this.#endings.fail(request, error);
      return [];
    }
    const ended: EngineSequence[] = [];
    let next: Question | undefined;
    try {
      const context = { scheduler: this.#scheduler, model: this.#model, nextSequenceId: this.#nextSequenceId };
      const decision = decide(question, picks, context, ended);
      next = decision.next;
      this.#publish(request, decision.events, isFirst);
    } catch (thrown) {
      this.#endings.fail(request, thrown);
    } finally {
      // A drafter hears of the end after its last judgement.
      for (const sequence of ended) request.drafter?.end?.(sequence);
    }
    return request.status === "running" && next ? [next] : [];
  }

  /** Tells a request's listener of new tokens, and ends the request when its time is over or nothing of it lives. */
  #publish(request: ActiveRequest, events: RequestEvent[], isFirst: boolean): void {
    const now = this.#now();
    if (events.length > 0) request.noteToken(now);
    const isLate = isFirst && request.deadline !== undefined && now >= request.deadline;
    if (isLate) {
      // The tokens of this step stay; they are the last ones.
      for (const event of events) event.finish ??= "time";
      request.finishLive("time");
    }
    if (events.length > 0) request.onTokens?.(events);
    if ((isLate || request.live.length === 0) && request.status === "running") this.#endings.complete(request);
  }

  /** A sequence may run ahead when it surely has a token behind the next one, which the same rotary factors turn. */
  #mayRunAhead({ maxLength, drafter, parks }: ActiveRequest, sequence: EngineSequence): boolean {
    if (drafter || parks || sequence.drafted > 0) return false;
    const length = sequence.tokens.length + 1;
    const most = Math.min(maxLength ?? Number.POSITIVE_INFINITY, longestOf(this.#model));
    const turns = rotarySwitchOf(this.#model) - sequence.rotaryLead;
    return length < most && (length <= turns || sequence.rotaryLength > turns);
  }

  /** Asks for drafts for the next step; while they are awaited, others run. */
  #propose(request: ActiveRequest): void {
    if (request.status !== "running" || !request.drafter) return;
    let drafts: Promise<() => void> | undefined;
    try {
      drafts = askForDrafts(request, this.#model, (sequence) => this.#scheduler.draftRoom(sequence));
    } catch (error) {
      this.#endings.fail(request, error);
    }
    if (drafts === undefined) return;
    request.held = true;
    request.question += 1;
    const { question } = request;
    const isAwaited = () => request.status === "running" && request.held && request.question === question;
    drafts
      .then((take) => {
        if (!isAwaited()) return;
        request.held = false;
        take();
        this.wake();
      })
      .catch((error: unknown) => {
        if (request.status === "ended") return;
        this.#endings.fail(request, error);
        this.wake();
      });
  }

  /** A bug, or an exception of `onStep`: everybody hears of it, and where the books cannot be mended nothing runs any more. */
  #collapse(error: unknown): void {
    const { running, waiting, parked } = this.#scheduler;
    const all = [...running, ...waiting, ...parked];
    for (const request of all) request.fail(error);
    try {
      for (const request of all) this.#endings.fail(request, error);
      for (const run of this.#runs.splice(0)) {
        run.release();
        this.#scheduler.discard();
      }
    } catch {
      this.#onBroken(error);
      for (const list of [running, waiting, parked, this.#runs]) list.length = 0;
    }
  }
}
