import { BlockPool } from "../cache/block-pool.ts";
import type { PrefixIndex } from "../cache/prefix-index.ts";
import { admit } from "./admit.ts";
import { advance, catchUp, needsLastTokens } from "./advance.ts";
import { addDrafts, draftsBehind, freeBehindWindows, settleDrafts } from "./drafts.ts";
import { type Gang, holdsBlocks, insertByRank } from "./gang.ts";
import { releaseTables, restart, rewind, setAnchor } from "./parking.ts";
import type { Schedule, SchedulerLimits } from "./schedule.ts";
import { checkSchedule } from "./scheduler-integrity.ts";
import type { EngineSequence } from "./sequence.ts";
import { assertServable } from "./servable.ts";
import type { StateLayout } from "./state-layout.ts";
import { emptyPlan, isLive, placeRows, type StepPlan } from "./step-plan.ts";

/**
 * Decides what each step computes. A pure function of its state: no I/O, no clock, no tensors.
 *
 * There is no prefill and no decode: a sequence has `tokens` and `computed`, and each step lets sequences catch up inside
 * the budgets (tokens, logit rows, sequences, KV blocks). Gangs have one order: higher `priority` first, then arrival. A
 * step serves one priority after the other. In each, first come running gangs that need only their last tokens; then those
 * with more to catch up, chunk by chunk; then waiting ones, if there are blocks for them beside what running ones still need.
 *
 * When blocks run out, the running gang that is last in the order gives up its own and waits again. A waiting gang may take
 * blocks and places from running ones of a lower priority, never from its equals. So the first gang of the order always
 * moves, and among equals none waits for ever; lower priorities get what higher ones leave.
 */
export class Scheduler<G extends Gang = Gang> implements Schedule<G> {
  readonly limits: SchedulerLimits;
  readonly states: readonly StateLayout[];
  readonly pools: readonly BlockPool[];
  readonly prefixes: PrefixIndex | undefined;
  readonly running: G[] = [];
  readonly waiting: G[] = [];
  readonly parked: G[] = [];
  places = 0;
  inFlight = 0;
  isDraining = false;

  /** @param createPrefixes makes an index of what is in the pools, for sequences to start with. Default: none. */
  constructor(
    limits: SchedulerLimits,
    states: readonly StateLayout[],
    createPrefixes?: (states: readonly StateLayout[], pools: readonly BlockPool[]) => PrefixIndex,
  ) {
    this.limits = limits;
    this.states = states;
    this.pools = states.map((state) => new BlockPool(state.blocks));
    this.prefixes = createPrefixes?.(states, this.pools);
  }

  /** Puts a gang in the queue. Throws `request_too_large` for one that could never be served. */
  add(gang: G): void {
    assertServable(gang, this.limits, this.states);
    this.#enqueue(gang);
  }

  /** Takes a gang out, whatever it was doing, and frees its blocks. */
  remove(gang: G): void {
    if (gang.status === "running") {
      this.running.splice(this.running.indexOf(gang), 1);
      this.places -= gang.size;
    } else if (gang.status === "waiting") {
      this.waiting.splice(this.waiting.indexOf(gang), 1);
    } else if (gang.status === "parked") {
      this.parked.splice(this.parked.indexOf(gang), 1);
      if (holdsBlocks(gang)) this.places -= gang.size;
    }
    gang.status = "ended";
    for (const sequence of gang.live) releaseTables(sequence);
  }

  /** A running gang rests. */
  park(gang: G): void {
    this.running.splice(this.running.indexOf(gang), 1);
    gang.status = "parked";
    this.parked.push(gang);
  }

  /** A parked gang of one sequence goes on with these tokens. What was computed of its own stays, as far as they are the same. */
  resume(gang: G, tokens: readonly number[]): void {
    const sequence = gang.live[0] as EngineSequence;
    let same = 0;
    while (same < tokens.length - 1 && tokens[same] === sequence.tokens[same]) same += 1;
    sequence.tokens.length = same;
    for (let index = same; index < tokens.length; index += 1) sequence.tokens.push(tokens[index] as number);
    this.parked.splice(this.parked.indexOf(gang), 1);
    if (!holdsBlocks(gang)) {
      sequence.settled = tokens.length;
      this.#enqueue(gang);
      return;
    }
    if (same < sequence.computed) rewind(sequence, same, this.states);
    sequence.settled = tokens.length;
    gang.status = "running";
    insertByRank(this.running, gang);
  }

  /** The most tokens that a draft of a running gang's sequence can have in the next step, as things are now. */
  draftRoom(sequence: EngineSequence): number {
    if (this.states.some(({ kind }) => kind === "slot") && !draftsBehind(sequence.computed, sequence.remaining)) return 0;
    let rows = 0;
    let drafting = 0;
    for (const { live, drafts } of this.running) {
      rows += live.length;
      if (drafts) drafting += live.length;
    }
    const left = Math.min(this.limits.maxLogitRows, this.limits.maxTokens) - rows;
    return Math.floor(left / Math.max(1, drafting));
  }

  /** One sequence of a gang has ended: frees its blocks. */
  end(gang: G, sequence: EngineSequence): void {
    gang.live.splice(gang.live.indexOf(sequence), 1);
    releaseTables(sequence);
  }

  /** `child` joins the running gang and shares all blocks of `parent`, copy-on-write. */
  fork(gang: G, parent: EngineSequence, child: EngineSequence): void {
    child.computed = parent.computed;
    child.tables = parent.tables.map((table) => table.fork());
    gang.sequences.push(child);
    gang.live.push(child);
  }

  /** What was computed of a running sequence holds no longer: it catches up from its first token. The encoder's output stays. */
  restart(sequence: EngineSequence): void {
    restart(sequence, this.states);
  }

  /**
   * Decides the next step and takes its blocks. Without chunks there is nothing to do. Steps that have been planned and not
   * been committed are in flight: they run before this one. While there are some, nobody is preempted.
   */
  plan(): StepPlan<G> {
    const plan = emptyPlan<G>();
    if (this.isDraining) return plan;
    let served = Number.POSITIVE_INFINITY;
    let admits = true;
    for (;;) {
      const priority = this.#highestBelow(served, admits);
      if (priority === Number.NEGATIVE_INFINITY) break;
      this.#serve(priority, plan);
      if (admits) admits = admit(this, plan, priority);
      served = priority;
    }
    addDrafts(plan, this.limits, this.states, this.pools);
    placeRows(plan);
    if (plan.chunks.length > 0) this.inFlight += 1;
    return plan;
  }

  /** The step has been computed; steps are committed in the order of their plans. A token of a draft counts when it is picked. */
  commit(plan: StepPlan<G>): void {
    this.#land();
    for (const { gang, sequence, count, draft } of plan.chunks) {
      if (!isLive(gang, sequence)) continue;
      sequence.inFlight -= count;
      sequence.computed += count - draft;
      this.prefixes?.remember(
        sequence,
        sequence.computed,
        sequence.tables.map(({ entries }) => entries),
      );
      if (draft === 0) freeBehindWindows(sequence);
      if (sequence.computed === sequence.settled) setAnchor(sequence, this.states, this.pools);
    }
  }

  /** The step failed, and nothing of it counts. Call in place of `commit`, then remove its gangs. */
  discard(): void {
    this.#land();
  }

  /** Everything of a step has been picked, or it failed: what its drafts took goes back. */
  settle(plan: StepPlan<G>): void {
    settleDrafts(plan, this.states);
  }

  /** Throws `internal` where queues, tables and pools contradict each other. Tests call it after every step. */
  checkIntegrity(): void {
    checkSchedule(this);
  }

  /** Running gangs of one priority: those that need only their last tokens first, then the others, chunk by chunk. */
  #serve(priority: number, plan: StepPlan<G>): void {
    const { running } = this;
    let first = 0;
    while (first < running.length && (running[first] as G).priority > priority) first += 1;
    // Gangs that are preempted, or fail, are gone from the end of the list.
    for (let index = first; index < running.length && running[index]?.priority === priority; index += 1) {
      const gang = running[index] as G;
      if (!gang.held && needsLastTokens(gang)) catchUp(this, gang, plan);
    }
    for (let index = first; index < running.length && running[index]?.priority === priority; index += 1) {
      if (plan.tokens >= this.limits.maxTokens) return;
      const gang = running[index] as G;
      if (!gang.held && !plan.gangs.has(gang)) advance(this, gang, plan);
    }
  }

  /** The highest priority below `limit` of gangs that run, or wait and may be admitted; −Infinity: there is none. */
  #highestBelow(limit: number, admits: boolean): number {
    const running = this.running.find(({ priority }) => priority < limit)?.priority ?? Number.NEGATIVE_INFINITY;
    const first = admits ? (this.waiting[0]?.priority ?? Number.NEGATIVE_INFINITY) : Number.NEGATIVE_INFINITY;
    return Math.max(running, first < limit ? first : Number.NEGATIVE_INFINITY);
  }

  #enqueue(gang: G): void {
    gang.status = "waiting";
    insertByRank(this.waiting, gang);
  }

  #land(): void {
    this.inFlight -= 1;
    if (this.inFlight === 0) this.isDraining = false;
  }
}
