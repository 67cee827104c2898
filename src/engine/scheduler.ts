import { BlockPool } from "../cache/block-pool.ts";
import { blocksHeldAtMost, SequenceTable } from "../cache/sequence-table.ts";
import { TsumugiError } from "../errors.ts";
import { addDrafts, draftsBehind, freeBehindWindows, settleDrafts } from "./drafts.ts";
import { dropAnchor, releaseTables, restart, rewind, setAnchor } from "./parking.ts";
import { checkSchedule } from "./scheduler-integrity.ts";
import type { EngineSequence, Gang } from "./sequence.ts";
import { assertServable } from "./servable.ts";
import { emptyPlan, type PagedState, placeRows, type SchedulerLimits, type StepPlan } from "./step-plan.ts";

export { type Chunk, type PagedState, type SchedulerLimits, type StepPlan, slotTokens } from "./step-plan.ts";

/**
 * Decides what each step computes. A pure function of its state: no I/O, no clock, no tensors.
 *
 * There is no prefill and no decode: a sequence has `tokens` and `computed`, and each step lets sequences catch up inside
 * the budgets (tokens, logit rows, sequences, KV blocks). First come gangs that need only their last token each, in order of
 * admission; then those with more to catch up, chunk by chunk; then new ones, by priority and arrival, if their blocks are
 * there beside what those already admitted still need. When blocks run out, the gang admitted last gives up its own and
 * waits again, in front of all that came after it. So the oldest gang always moves, and no gang waits for ever.
 */
export class Scheduler<G extends Gang = Gang> {
  readonly limits: SchedulerLimits;
  readonly states: readonly PagedState[];
  readonly pools: readonly BlockPool[];
  /** In order of admission. */
  readonly running: G[] = [];
  /** Higher priority first, then order of arrival. */
  readonly waiting: G[] = [];
  /** Those that rest until they are resumed, the longest first. They keep their blocks and places while nobody needs them. */
  readonly parked: G[] = [];
  #places = 0;

  constructor(limits: SchedulerLimits, states: readonly PagedState[]) {
    this.limits = limits;
    this.states = states;
    this.pools = states.map((state) => new BlockPool(state.blocks));
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
      this.#places -= gang.size;
    } else if (gang.status === "waiting") {
      this.waiting.splice(this.waiting.indexOf(gang), 1);
    } else if (gang.status === "parked") {
      this.parked.splice(this.parked.indexOf(gang), 1);
      if (holdsBlocks(gang)) this.#places -= gang.size;
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

  /** A parked gang of one sequence goes on with these tokens; what of its own are the same stays computed. */
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
    this.running.push(gang);
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

  /** One sequence of a running gang has ended: frees its blocks. */
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

  /** Decides the next step and takes its blocks. Without chunks there is nothing to do. */
  plan(): StepPlan<G> {
    const plan = emptyPlan<G>();
    const planned = new Set<G>();
    for (let index = 0; index < this.running.length; index += 1) {
      const gang = this.running[index] as G;
      if (!gang.held && gang.live.every((sequence) => sequence.remaining === 1)) this.#catchUp(gang, plan, planned);
      // A gang that was preempted or failed to make room for this one, or for itself, is gone from the end of the list.
    }
    for (let index = 0; index < this.running.length && plan.tokens < this.limits.maxTokens; index += 1) {
      const gang = this.running[index] as G;
      if (!gang.held && !planned.has(gang)) this.#advance(gang, plan, planned);
    }
    this.#admit(plan, planned);
    addDrafts(plan, this.limits, this.states, this.pools);
    placeRows(plan);
    return plan;
  }

  /** The step has been computed. Drafts are not: a token of theirs counts when it is picked. */
  commit(plan: StepPlan<G>): void {
    for (const { gang, sequence, count, draft } of plan.chunks) {
      if (gang.status !== "running") continue; // aborted while the step was in flight
      sequence.computed += count - draft;
      if (draft === 0) freeBehindWindows(sequence);
      if (sequence.computed === sequence.settled) setAnchor(sequence, this.states, this.pools);
    }
  }

  /** Everything of a step has been picked, or it failed: what its drafts took goes back. */
  settle(plan: StepPlan<G>): void {
    settleDrafts(plan, this.states);
  }

  /** Places taken of `limits.maxSequences`. */
  get places(): number {
    return this.#places;
  }

  /** Throws `internal` where queues, tables and pools contradict each other. Tests call it after every step. */
  checkIntegrity(): void {
    checkSchedule(this);
  }

  /** Gives up something that only saves time: an anchor, else the blocks and places of a parked gang. False: there is none. */
  #reclaim(): boolean {
    const anchored = [...this.parked, ...this.running].flatMap(({ live }) => live).find(({ anchor }) => anchor !== undefined);
    if (anchored) {
      dropAnchor(anchored);
      return true;
    }
    const gang = this.parked.find(holdsBlocks);
    if (!gang) return false;
    this.#places -= gang.size;
    for (const sequence of gang.live) releaseTables(sequence);
    return true;
  }

  /** Pass 1: the last token of every member, all or none. */
  #catchUp(gang: G, plan: StepPlan<G>, planned: Set<G>): void {
    const members = gang.live.length;
    if (plan.tokens + members > this.limits.maxTokens || plan.logitRows + members > this.limits.maxLogitRows) return;
    if (this.#makeRoom(gang, plan, planned, () => this.#canFinish(gang))) this.#finish(gang, plan, planned);
  }

  /** Pass 2: as much of a gang as fits. The last token of every member waits until all of them fit into one step. */
  #advance(gang: G, plan: StepPlan<G>, planned: Set<G>): void {
    let total = 0;
    for (const sequence of gang.live) total += sequence.remaining;
    if (total === gang.live.length) return; // pass 1 has left it for a later step
    const rows = plan.logitRows + gang.live.length;
    if (plan.tokens + total <= this.limits.maxTokens && rows <= this.limits.maxLogitRows && this.#canFinish(gang)) {
      this.#finish(gang, plan, planned);
      return;
    }
    const someRoom = () => gang.live.some((sequence) => this.#room(sequence, sequence.remaining - 1) > 0);
    if (!this.#makeRoom(gang, plan, planned, someRoom)) return;
    planned.add(gang);
    for (const sequence of gang.live) {
      const wanted = Math.min(sequence.remaining - 1, this.limits.maxTokens - plan.tokens);
      const count = this.#room(sequence, wanted);
      if (count > 0) this.#schedule(gang, sequence, count, false, plan);
    }
  }

  /** Pass 3: new gangs, in order of the queue; the first that does not fit stops the rest. */
  #admit(plan: StepPlan<G>, planned: Set<G>): void {
    while (this.waiting.length > 0 && plan.tokens < this.limits.maxTokens) {
      if (plan.preempted.length > 0 && this.running.length > 0) return;
      const gang = this.waiting[0] as G;
      while (this.#places + gang.size > this.limits.maxSequences && this.#reclaim());
      if (this.#places + gang.size > this.limits.maxSequences) return;
      let short = this.#shortState(gang);
      while (short >= 0 && this.#reclaim()) short = this.#shortState(gang);
      if (short >= 0 && this.running.length > 0) return;
      const encoderTokens = encoderTokensOf(gang);
      if (plan.encodes.length > 0 && plan.encodeTokens + encoderTokens > this.limits.maxTokens) return;
      this.waiting.shift();
      if (short >= 0) {
        this.#fail(gang, short, plan);
        continue;
      }
      gang.status = "running";
      this.#places += gang.size;
      this.running.push(gang);
      for (const sequence of gang.live) {
        sequence.tables = this.states.map((state, index) => {
          const table = new SequenceTable(this.pools[index] as BlockPool, state);
          if (state.kind === "cross") table.append(sequence.encoderTokens.length);
          return table;
        });
        if (sequence.encoderTokens.length > 0) plan.encodes.push(sequence);
      }
      plan.encodeTokens += encoderTokens;
      if (gang.live.every((sequence) => sequence.remaining === 1)) this.#catchUp(gang, plan, planned);
      else this.#advance(gang, plan, planned);
    }
  }

  /**
   * Preempts from the end of the running list until `fits`; false when the gang must wait (or is itself gone).
   * Gangs that this step already computes are not touched.
   */
  #makeRoom(gang: G, plan: StepPlan<G>, planned: Set<G>, fits: () => boolean): boolean {
    while (!fits()) {
      if (this.#reclaim()) continue;
      const last = this.running[this.running.length - 1] as G;
      if (last === gang) {
        // Alone: it never will fit. Otherwise it waits for the older ones, which may take its blocks when they need them.
        if (this.running.length === 1) {
          this.running.pop();
          this.#places -= gang.size;
          this.#fail(gang, this.#fullestState(), plan);
        }
        return false;
      }
      if (planned.has(last)) return false;
      this.running.pop();
      this.#places -= last.size;
      last.held = false;
      for (const sequence of last.live) releaseTables(sequence);
      this.#enqueue(last);
      plan.preempted.push(last);
    }
    return true;
  }

  /** True when the pools hold the blocks with which all members catch up completely. */
  #canFinish(gang: G): boolean {
    for (let state = 0; state < this.pools.length; state += 1) {
      if (this.#isCross(state)) continue;
      const pool = this.pools[state] as BlockPool;
      let needed = 0;
      let tails: Map<number, number> | undefined;
      for (const sequence of gang.live) {
        const table = sequence.tables[state] as SequenceTable;
        needed += table.blocksToAppend(sequence.remaining);
        const tail = table.sharedTail;
        if (tail < 0) continue;
        // Of those that share a tail, the last one left writes in place.
        tails ??= new Map();
        const seen = (tails.get(tail) ?? 0) + 1;
        tails.set(tail, seen);
        if (seen < pool.references(tail)) needed += 1;
      }
      if (needed > pool.free) return false;
    }
    return true;
  }

  #finish(gang: G, plan: StepPlan<G>, planned: Set<G>): void {
    planned.add(gang);
    plan.picks.push({ gang, rows: [] });
    for (const sequence of gang.live) this.#schedule(gang, sequence, sequence.remaining, true, plan);
  }

  #schedule(gang: G, sequence: EngineSequence, count: number, logits: boolean, plan: StepPlan<G>): void {
    for (let state = 0; state < sequence.tables.length; state += 1) {
      if (this.#isCross(state)) continue;
      const copy = (sequence.tables[state] as SequenceTable).append(count);
      if (copy) plan.copies.push({ state, from: copy.from, to: copy.to });
    }
    plan.chunks.push({ gang, sequence, start: sequence.computed, count, logits, draft: 0 });
    plan.tokens += count;
    if (logits) plan.logitRows += 1;
  }

  /** How many of `wanted` tokens the pools have room for. */
  #room(sequence: EngineSequence, wanted: number): number {
    let room = wanted;
    sequence.tables.forEach((table, state) => {
      if (!this.#isCross(state)) room = Math.min(room, table.roomWith(table.pool.free));
    });
    return Math.max(0, room);
  }

  /** The first state whose free blocks, less what the running gangs still need to catch up, are too few for a gang; else −1. */
  #shortState(gang: G): number {
    return this.states.findIndex((state, index) => {
      let needed = state.kind === "cross" ? 0 : gang.size - gang.live.length; // a block to start each fork with
      for (const sequence of gang.live) needed += blocksHeldAtMost(state, tokensIn(state, sequence));
      for (const other of this.running) {
        for (const sequence of other.live) {
          const held = (sequence.tables[index] as SequenceTable).heldBlocks;
          needed += Math.max(0, blocksHeldAtMost(state, tokensIn(state, sequence)) - held);
        }
      }
      return needed > (this.pools[index] as BlockPool).free;
    });
  }

  #isCross(state: number): boolean {
    return (this.states[state] as PagedState).kind === "cross";
  }

  /** The paged state with the fewest free blocks. */
  #fullestState(): number {
    let fullest = Math.max(
      0,
      this.states.findIndex(({ kind }) => kind !== "cross"),
    );
    this.pools.forEach((pool, index) => {
      if (this.#isCross(index)) return;
      if (pool.free < (this.pools[fullest] as BlockPool).free) fullest = index;
    });
    return fullest;
  }

  #fail(gang: G, state: number, plan: StepPlan<G>): void {
    const layout = this.states[state] as PagedState;
    let given = 0;
    for (const sequence of gang.live) given += blocksHeldAtMost(layout, tokensIn(layout, sequence));
    gang.status = "ended";
    for (const sequence of gang.live) releaseTables(sequence);
    const error = new TsumugiError("cache_full", { state: layout.name, limit: layout.blocks, given });
    plan.failed.push({ gang, error });
  }

  #enqueue(gang: G): void {
    gang.status = "waiting";
    // From the end: arrivals are the common case.
    let place = this.waiting.length;
    while (place > 0 && goesBefore(gang, this.waiting[place - 1] as G)) place -= 1;
    this.waiting.splice(place, 0, gang);
  }
}

/** Tokens that a gang's encoder inputs have together. */
export function encoderTokensOf(gang: Gang): number {
  return gang.live.reduce((sum, { encoderTokens }) => sum + encoderTokens.length, 0);
}

/** Tokens of a sequence that a state must hold now. */
function tokensIn(state: PagedState, { tokens, encoderTokens }: EngineSequence): number {
  return state.kind === "cross" ? encoderTokens.length : tokens.length;
}

function goesBefore(gang: Gang, other: Gang): boolean {
  return gang.priority > other.priority || (gang.priority === other.priority && gang.id < other.id);
}

/** True for a gang that has been admitted and not given its blocks up. */
export function holdsBlocks({ live }: Gang): boolean {
  return live.some(({ tables }) => tables.length > 0);
}
