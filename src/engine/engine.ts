import type { Limits, Session } from "../backends/backend.ts";
import { TsumugiError } from "../errors.ts";
import type { Model } from "../ops/program.ts";
import { ActiveRequest, applyActions } from "./active-request.ts";
import { Deadlines } from "./deadlines.ts";
import { askForDrafts } from "./propose.ts";
import type { EngineInterface, EngineStatistics, FinishReason, Request, RequestHandle } from "./request.ts";
import { type Outcome, type Question, runStep } from "./runner.ts";
import { type PagedState, Scheduler, type StepPlan, slotTokens } from "./scheduler.ts";
import type { EngineSequence } from "./sequence.ts";

/** What one step did. */
export interface StepReport {
  /** Tokens that went through the model. */
  tokens: number;
  /** Sequences that took part. */
  sequences: number;
  logitRows: number;
  /** Sequences' block copies. */
  copies: number;
  /** Requests that gave up their blocks. */
  preempted: number;
  /** Tokens of drafts that went through the model, and those of them that were picked. */
  drafted: number;
  accepted: number;
}

export interface EngineOptions {
  model: Model;
  /** Prepared with the same `limits`. The engine owns it from now on and disposes of it. */
  session: Session;
  limits: Limits;
  /** Called after every step. For metrics and tests. */
  onStep?: (report: StepReport) => void;
  /** The clock of deadlines and timings, in milliseconds. Default: performance.now. */
  now?: () => number;
}

/**
 * Runs many requests at once on one session: continuous batching over a paged KV cache.
 *
 * One step is in flight at a time, and the engine waits for it without holding the event loop; without requests it holds
 * nothing (no timers; one to the nearest deadline while all that run wait for drafts). Every request ends exactly once. When the session fails in a step, all requests that were running
 * fail with that error and their blocks are freed; those that waited go on, and so does the engine.
 *
 * @example
 * ```ts
 * const engine = new Engine({ model, session, limits });
 * const { result } = engine.submit({ sequences: [{ tokens: [1, 2, 3] }], decoder });
 * console.log((await result).sequences[0].tokens);
 * await engine.dispose();
 * ```
 */
export class Engine implements EngineInterface {
  readonly #session: Session;
  readonly #scheduler: Scheduler<ActiveRequest>;
  readonly #model: Model;
  readonly #onStep: EngineOptions["onStep"];
  readonly #now: () => number;
  readonly #deadlines: Deadlines;
  #nextRequestId = 0;
  #nextSequenceId = 0;
  #steps = 0;
  #loop: Promise<void> | undefined;
  #disposal: Promise<void> | undefined;
  #broken: { error: unknown } | undefined;

  constructor({ model, session, limits, onStep, now = () => performance.now() }: EngineOptions) {
    this.#model = model;
    this.#session = session;
    this.#onStep = onStep;
    this.#now = now;
    this.#deadlines = new Deadlines(now, () => this.#wake());
    const states = model.states.map((state): PagedState => {
      const blocks = limits.blocks[state.name];
      if (blocks === undefined) throw new TsumugiError("internal", { what: `no KV blocks were given to state ${state.name}` });
      const blockTokens = state.kind === "slot" ? slotTokens : session.blockTokens;
      return { name: state.name, kind: state.kind, blockTokens, window: state.window, blocks };
    });
    this.#scheduler = new Scheduler(limits, states);
  }

  submit(request: Request): RequestHandle {
    if (this.#disposal) throw new TsumugiError("disposed", { what: "The engine" });
    if (this.#broken) throw this.#broken.error;
    this.#assertValid(request);
    const active = new ActiveRequest(this.#nextRequestId, request, () => this.#nextSequenceId++, this.#now());
    this.#nextRequestId += 1;
    const { signal } = request;
    const abort = () => this.#finish(active, "abort");
    const resume: RequestHandle["resume"] = (tokens) => this.#resume(active, tokens);
    this.#scheduler.add(active);
    if (signal?.aborted) {
      abort();
      return active.handle({ abort, resume });
    }
    if (signal) {
      signal.addEventListener("abort", abort, { once: true });
      active.detach = () => signal.removeEventListener("abort", abort);
    }
    this.#deadlines.add(active);
    this.#wake();
    return active.handle({ abort, resume });
  }

  statistics(): EngineStatistics {
    const { running, waiting, parked, states, pools } = this.#scheduler;
    const count = (requests: readonly ActiveRequest[]) => requests.reduce((sum, { live }) => sum + live.length, 0);
    return {
      running: count(running),
      waiting: count(waiting),
      parked: count(parked),
      steps: this.#steps,
      blocks: Object.fromEntries(
        pools.map((pool, index) => [(states[index] as PagedState).name, { used: pool.used, free: pool.free }]),
      ),
    };
  }

  dispose(): Promise<void> {
    this.#disposal ??= this.#dispose();
    return this.#disposal;
  }

  /** Throws `internal` where the books of scheduler and cache do not balance. Tests call it after every step. */
  checkIntegrity(): void {
    this.#scheduler.checkIntegrity();
  }

  async #dispose(): Promise<void> {
    // Let `#disposal` be set before callers hear of their aborts.
    await undefined;
    const { running, waiting, parked } = this.#scheduler;
    for (const request of [...running, ...waiting, ...parked]) this.#finish(request, "abort");
    await this.#loop;
    await this.#session.dispose();
  }

  /** Starts the loop where it rests. */
  #wake(): void {
    if (this.#loop) return;
    this.#deadlines.stopTimer();
    this.#loop = this.#run();
  }

  async #run(): Promise<void> {
    // Requests of one tick go into the first step together.
    await undefined;
    for (;;) {
      try {
        const plan = this.#plan();
        // Decided in the same tick as `#loop` is cleared: a request, or a draft, that comes later starts the loop again.
        if (plan === undefined) break;
        if (plan.chunks.length > 0) await this.#step(plan);
      } catch (error) {
        this.#collapse(error);
      }
    }
    this.#loop = undefined;
    this.#deadlines.startTimer();
  }

  /** What to do next; undefined: nothing, until a request or a draft comes. */
  #plan(): StepPlan<ActiveRequest> | undefined {
    for (const request of this.#deadlines.passed()) this.#finish(request, "time");
    const { running, waiting } = this.#scheduler;
    if (running.length + waiting.length === 0) return undefined;
    const plan = this.#scheduler.plan();
    for (const { gang, error } of plan.failed) this.#fail(gang, error);
    for (const request of [...waiting]) request.onWait?.();
    if (plan.chunks.length > 0 || plan.failed.length > 0) return plan;
    const held = running.filter((request) => request.held).pop();
    // A model that drafts for itself, or two for each other, where those that wait have all the room: they wait no longer.
    if (held && [...running, ...waiting].some((request) => request.parks && !request.held)) {
      held.held = false;
      return this.#plan();
    }
    if (held) return undefined;
    // Never seen: the oldest request always moves. Better an error than a loop that spins.
    throw new TsumugiError("internal", { what: "the scheduler is stuck" });
  }

  async #step(plan: StepPlan<ActiveRequest>): Promise<void> {
    const now = this.#now();
    for (const { gang } of plan.chunks) gang.start(now);
    const inStep = this.#scheduler.running.filter(({ held }) => !held);
    const drafts = plan.chunks.filter(({ draft }) => draft > 0);
    let committed = false;
    try {
      await runStep(this.#session, plan, this.#scheduler.states, inStep, (outcomes) => {
        const isFirst = !committed;
        if (isFirst) {
          this.#steps += 1;
          this.#scheduler.commit(plan);
          committed = true;
        }
        return outcomes.flatMap((outcome) => this.#settle(outcome, isFirst));
      });
    } catch (error) {
      this.#scheduler.settle(plan);
      for (const request of inStep) this.#fail(request, error);
      return;
    }
    this.#scheduler.settle(plan);
    for (const { gang } of plan.picks) this.#propose(gang);
    this.#onStep?.({
      tokens: plan.tokens,
      sequences: plan.chunks.length,
      logitRows: plan.logitRows,
      copies: plan.copies.length,
      preempted: plan.preempted.length,
      drafted: drafts.reduce((sum, { draft }) => sum + draft, 0),
      accepted: drafts.reduce((sum, { sequence }) => sum + sequence.accepted, 0),
    });
  }

  /**
   * Appends what a request's decoder decided, tells its listener, and ends it when nothing of it lives. Gives the question
   * about those sequences that picked what their draft said.
   */
  #settle({ question: { request, sequences, rows }, picks, error }: Outcome, isFirst: boolean): Question[] {
    if (request.status !== "running") return []; // aborted while the step was in flight
    if (picks === undefined) {
      this.#fail(request, error);
      return [];
    }
    const next = { request, sequences: [] as EngineSequence[], rows: [] as number[] };
    const ended: EngineSequence[] = [];
    try {
      const events = applyActions(request, sequences, request.decoder.next(picks, sequences), {
        fork: (parent, child) => this.#scheduler.fork(request, parent, child),
        end: (sequence) => {
          this.#scheduler.end(request, sequence);
          ended.push(sequence);
        },
        park: () => this.#scheduler.park(request),
        restart: (sequence) => this.#scheduler.restart(sequence),
        nextSequenceId: () => this.#nextSequenceId++,
        longest: this.#model.positionsAreBounded ? this.#model.maxPositions + 1 : Number.POSITIVE_INFINITY,
        rotarySwitch: this.#rotarySwitch,
      });
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
        next.sequences.push(sequence);
        next.rows.push((rows[index] as number) + 1);
      });
      const now = this.#now();
      if (events.length > 0) request.noteToken(now);
      const late = isFirst && request.deadline !== undefined && now >= request.deadline;
      if (late) {
        // The tokens of this step stay; they are the last ones.
        for (const event of events) event.finish ??= "time";
        request.finishLive("time");
      }
      if (events.length > 0) request.onTokens?.(events);
      if ((late || request.live.length === 0) && request.status === "running") this.#end(request);
    } catch (thrown) {
      this.#fail(request, thrown);
    } finally {
      // Behind the last judgement.
      for (const sequence of ended) request.drafter?.end?.(sequence);
    }
    return request.status === "running" && next.sequences.length > 0 ? [next] : [];
  }

  /** Asks for drafts for the next step; while they are awaited, others run. */
  #propose(request: ActiveRequest): void {
    if (request.status !== "running" || !request.drafter) return;
    let drafts: Promise<() => void> | undefined;
    try {
      drafts = askForDrafts(request, this.#model, (sequence) => this.#scheduler.draftRoom(sequence));
    } catch (error) {
      this.#fail(request, error);
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
        this.#wake();
      })
      .catch((error: unknown) => {
        if (request.status === "ended") return;
        this.#fail(request, error);
        this.#wake();
      });
  }

  get #rotarySwitch(): number {
    return this.#model.rotarySwitch ?? Number.POSITIVE_INFINITY;
  }

  #resume(request: ActiveRequest, tokens: readonly number[]): void {
    if (request.status !== "parked") {
      throw new TsumugiError("internal", { what: `request ${request.id} is resumed, but is ${request.status}` });
    }
    this.#scheduler.resume(request, tokens);
    const sequence = request.live[0] as EngineSequence;
    if (sequence.changesRotaryFactors(this.#rotarySwitch)) this.#scheduler.restart(sequence);
    this.#wake();
  }

  /** Ends whatever of a request still lives. Nothing happens to one that has ended. */
  #finish(request: ActiveRequest, reason: FinishReason): void {
    if (request.status === "ended") return;
    request.finishLive(reason);
    this.#end(request);
  }

  #end(request: ActiveRequest): void {
    // First the answer: it is true even where freeing the blocks fails.
    request.complete(this.#now());
    this.#forget(request);
    this.#scheduler.remove(request);
  }

  #fail(request: ActiveRequest, error: unknown): void {
    request.fail(error);
    this.#forget(request);
    // Gangs that outgrew the cache have been removed by the scheduler.
    if (request.status !== "ended") this.#scheduler.remove(request);
  }

  #forget(request: ActiveRequest): void {
    this.#deadlines.delete(request);
    for (const sequence of request.live) request.drafter?.end?.(sequence);
    // What it held may be what another one waits for.
    if (this.#scheduler.waiting.length > 0) this.#wake();
  }

  /** A bug, or an exception of `onStep`: everybody hears of it, and where the books cannot be mended the engine closes. */
  #collapse(error: unknown): void {
    const { running, waiting, parked } = this.#scheduler;
    const all = [...running, ...waiting, ...parked];
    for (const request of all) request.fail(error);
    try {
      for (const request of all) this.#fail(request, error);
    } catch {
      this.#broken = { error };
      running.length = 0;
      waiting.length = 0;
      parked.length = 0;
    }
  }

  #assertValid({ sequences, gangSize, maxLength, deadline, priority }: Request): void {
    const refuse = (what: string, expected: string, given: unknown) => {
      throw new TsumugiError("invalid_input", { what, expected, given });
    };
    if (sequences.length === 0) refuse("`sequences` of a request", "a list of at least one", "none");
    const { vocabularySize, maxPositions, positionsAreBounded } = this.#model;
    const encodes = this.#model.programs.encode !== undefined;
    for (const { tokens, padding = 0, rotaryLead = 0, encoderTokens = [] } of sequences) {
      if (tokens.length === 0) refuse("A sequence", "a list of at least one token", "none");
      if (encodes !== encoderTokens.length > 0) {
        const expected = encodes ? "a list of at least one token" : "absent: the model has no encoder";
        refuse("`encoderTokens` of a sequence", expected, encodes ? "none" : `${encoderTokens.length} tokens`);
      }
      const bad = [...tokens, ...encoderTokens].find(
        (token) => !(Number.isInteger(token) && token >= 0 && token < vocabularySize),
      );
      if (bad !== undefined) refuse("A token id", `an integer from 0 to ${vocabularySize - 1}`, bad);
      const given = Math.max(tokens.length, encoderTokens.length);
      if (positionsAreBounded && given > maxPositions) {
        const hint = "The model has no positions beyond.";
        throw new TsumugiError("request_too_large", { given, what: "positions", limit: maxPositions, hint });
      }
      if (!(Number.isInteger(padding) && padding >= 0)) refuse("`padding`", "an integer of at least 0", padding);
      if (!(Number.isInteger(rotaryLead) && rotaryLead >= 0)) refuse("`rotaryLead`", "an integer of at least 0", rotaryLead);
    }
    if (gangSize !== undefined && !(Number.isInteger(gangSize) && gangSize >= sequences.length)) {
      refuse("`gangSize`", `an integer of at least ${sequences.length}, the number of sequences`, gangSize);
    }
    if (maxLength !== undefined && !(maxLength > 0)) refuse("`maxLength`", "a positive number", maxLength);
    if (deadline !== undefined && Number.isNaN(deadline)) refuse("`deadline`", "a number of milliseconds", deadline);
    if (priority !== undefined && !Number.isFinite(priority)) refuse("`priority`", "a finite number", priority);
  }
}
