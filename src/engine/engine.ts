import type { Limits, Session } from "../backends/backend.ts";
import type { BlockPool } from "../cache/block-pool.ts";
import type { PrefixIndex } from "../cache/prefix-index.ts";
import { TsumugiError } from "../errors.ts";
import type { Model } from "../ops/program.ts";
import { ActiveRequest } from "./active-request.ts";
import { Deadlines } from "./deadlines.ts";
import { rotarySwitchOf } from "./decide.ts";
import { Endings } from "./endings.ts";
import { IdleMemory } from "./idle-memory.ts";
import type { EngineInterface, EngineStatistics, Request, RequestHandle } from "./request.ts";
import { Scheduler } from "./scheduler.ts";
import type { EngineSequence } from "./sequence.ts";
import { type StateLayout, slotTokens } from "./state-layout.ts";
import { StepLoop } from "./step-loop.ts";
import type { StepReport } from "./step-report.ts";
import { parseRequest } from "./valid-request.ts";
import { WaitingRoom } from "./waiting-room.ts";

export type { StepReport } from "./step-report.ts";

export interface EngineOptions {
  model: Model;
  /** Prepared with the same `limits`. The engine owns it from now on and disposes of it. */
  session: Session;
  limits: Limits;
  /**
   * The most requests that may wait because there is no place among the running ones: a further one is refused with
   * `queue_full`. Requests that preemption sent back count, and are never refused. Default: no bound.
   */
  maxWaiting?: number;
  /** Called after every step. For metrics and tests. */
  onStep?: (report: StepReport) => void;
  /** The clock of deadlines and timings, in milliseconds. Default: performance.now. */
  now?: () => number;
  /**
   * Steps that may be queued on the session at once. With 2, the next step is planned while one runs, and takes tokens that
   * are not known yet by their number (`Decoder.appendsPicks`): a device need not wait for the host between steps. Internal.
   * Default 1, which costs nothing on a CPU.
   */
  stepsInFlight?: 1 | 2;
  /** Makes an index of what is in the KV cache, so that sequences start with blocks that others have filled. Internal. Default: none. */
  createPrefixes?: (states: readonly StateLayout[], pools: readonly BlockPool[]) => PrefixIndex;
}

/**
 * Runs many requests at once on one session: continuous batching over a paged KV cache.
 *
 * The engine waits for steps without holding the event loop. Without requests it holds nothing, not even a timer; while all
 * that run wait for drafts, it holds one to the nearest deadline. Every request ends exactly once. When the session fails in
 * a step, all requests that were running fail with that error and their blocks are freed; those that waited go on, and so
 * does the engine.
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
  readonly #model: Model;
  readonly #scheduler: Scheduler<ActiveRequest>;
  readonly #deadlines: Deadlines;
  readonly #idleMemory: IdleMemory;
  readonly #waitingRoom: WaitingRoom;
  readonly #endings: Endings;
  readonly #loop: StepLoop;
  readonly #now: () => number;
  #nextRequestId = 0;
  #nextSequenceId = 0;
  #disposal: Promise<void> | undefined;
  #broken: { error: unknown } | undefined;

  constructor(options: EngineOptions) {
    const { model, session, limits, maxWaiting, onStep, createPrefixes, stepsInFlight = 1 } = options;
    const { now = () => performance.now() } = options;
    if (createPrefixes && model.programs.encode) {
      throw new TsumugiError("internal", { what: "prefixes of models with an encoder cannot be shared" });
    }
    this.#model = model;
    this.#session = session;
    this.#now = now;
    const wake = () => this.#loop.wake();
    this.#deadlines = new Deadlines(now, wake);
    this.#scheduler = new Scheduler(limits, stateLayouts(model, session, limits), createPrefixes);
    this.#idleMemory = new IdleMemory(session, this.#scheduler.pools);
    this.#waitingRoom = new WaitingRoom(this.#scheduler, maxWaiting);
    this.#endings = new Endings(this.#scheduler, this.#deadlines, now, wake);
    this.#loop = new StepLoop({
      session,
      model,
      scheduler: this.#scheduler,
      endings: this.#endings,
      deadlines: this.#deadlines,
      idleMemory: this.#idleMemory,
      waitingRoom: this.#waitingRoom,
      stepsInFlight,
      now,
      nextSequenceId: () => this.#nextSequenceId++,
      onStep,
      onBroken: (error) => {
        this.#broken = { error };
      },
    });
  }

  submit(request: Request): RequestHandle {
    if (this.#disposal) throw new TsumugiError("disposed", { what: "The engine" });
    if (this.#broken) throw this.#broken.error;
    const valid = parseRequest(request, this.#model);
    this.#waitingRoom.assertRoom(valid.gangSize);
    const active = new ActiveRequest(this.#nextRequestId, valid, () => this.#nextSequenceId++, this.#now());
    this.#nextRequestId += 1;
    const { signal } = valid;
    const abort = () => this.#endings.finish(active, "abort");
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
    this.#loop.wake();
    return active.handle({ abort, resume });
  }

  statistics(): EngineStatistics {
    const { running, waiting, parked, states, pools } = this.#scheduler;
    const count = (requests: readonly ActiveRequest[]) => requests.reduce((sum, { live }) => sum + live.length, 0);
    return {
      running: count(running),
      waiting: count(waiting),
      parked: count(parked),
      steps: this.#loop.steps,
      blocks: Object.fromEntries(
        pools.map(({ used, available }, index) => [(states[index] as StateLayout).name, { used, free: available }]),
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
    for (const request of [...running, ...waiting, ...parked]) this.#endings.finish(request, "abort");
    await this.#loop.rest();
    this.#idleMemory.stopTimer();
    await this.#session.dispose();
  }

  #resume(request: ActiveRequest, tokens: readonly number[]): void {
    if (request.status !== "parked") {
      throw new TsumugiError("internal", { what: `request ${request.id} is resumed, but is ${request.status}` });
    }
    this.#scheduler.resume(request, tokens);
    const sequence = request.live[0] as EngineSequence;
    if (sequence.changesRotaryFactors(rotarySwitchOf(this.#model))) this.#scheduler.restart(sequence);
    this.#loop.wake();
  }
}

/** How the scheduler sees the states of a model. */
function stateLayouts(model: Model, session: Session, limits: Limits): StateLayout[] {
  return model.states.map(({ name, kind, window }) => {
    const blocks = limits.blocks[name];
    if (blocks === undefined) throw new TsumugiError("internal", { what: `no KV blocks were given to state ${name}` });
    return { name, kind, blockTokens: kind === "slot" ? slotTokens : session.blockTokens, window, blocks };
  });
}
