import type { BlockPool } from "../cache/block-pool.ts";
import type { Gang } from "./gang.ts";
import type { SchedulerLimits } from "./schedule.ts";
import type { EngineSequence } from "./sequence.ts";
import type { StateLayout } from "./state-layout.ts";
import type { Chunk, StepPlan } from "./step-plan.ts";

/**
 * Lets sequences that reach their last token in this step go on into their drafts, as far as the step's budgets and the
 * blocks that nobody else took in it allow. The blocks are given back with the step, so drafts take nothing from anybody.
 */
export function addDrafts<G extends Gang>(
  plan: StepPlan<G>,
  limits: SchedulerLimits,
  states: readonly StateLayout[],
  pools: readonly BlockPool[],
): void {
  const wanting = plan.chunks.filter((chunk) => chunk.isLast && chunk.sequence.draft.length > 0);
  wanting.forEach((chunk, index) => {
    const { sequence } = chunk;
    const left = Math.min(limits.maxTokens - plan.tokens, limits.maxLogitRows - plan.logitRows);
    const share = Math.floor(left / (wanting.length - index));
    const count = roomForDraft(chunk, Math.min(share, sequence.draft.length), states, pools);
    if (count < 1) return;
    sequence.tables.forEach((table, state) => {
      const kind = states[state]?.kind;
      if (kind === "cross") return;
      if (kind !== "slot") {
        table.append(count);
        return;
      }
      // The step reads a copy of the slot and writes that; what it was before is kept until the draft has been judged.
      const kept = table.fork();
      kept.truncate(chunk.start);
      const copy = table.append(count);
      if (copy) plan.copies.push({ state, from: copy.from, to: copy.to });
      sequence.kept = [...sequence.kept, { state, table: kept }];
    });
    chunk.count += count;
    chunk.draft = count;
    sequence.inFlight += count;
    sequence.drafted = count;
    sequence.accepted = 0;
    plan.tokens += count;
    plan.logitRows += count;
  });
}

function roomForDraft(
  { sequence, start, count }: Chunk,
  wanted: number,
  states: readonly StateLayout[],
  pools: readonly BlockPool[],
): number {
  let room = wanted;
  sequence.tables.forEach((table, state) => {
    const { available } = pools[state] as BlockPool;
    const kind = states[state]?.kind;
    if (kind === "slot") room = draftsBehind(start, count) && available > 0 ? room : 0;
    else if (kind !== "cross") room = Math.min(room, table.roomWith(available));
  });
  return room;
}

/**
 * Whether a sequence with slots may have a draft behind a chunk: a rejected one takes the whole chunk back, and the next
 * step then has more than one token. That one gets no draft, so that each step moves.
 */
export function draftsBehind(start: number, count: number): boolean {
  return start > 0 && count === 1;
}

/** Takes back what was computed for drafts that were not picked, and frees what lies behind windows. */
export function settleDrafts<G extends Gang>(plan: StepPlan<G>, states: readonly StateLayout[]): void {
  for (const chunk of plan.chunks) {
    const { sequence, isLast, draft, start, count } = chunk;
    if (isLast) sequence.draft = [];
    if (draft === 0) continue;
    sequence.drafted = 0;
    const gone = sequence.tables.length === 0 || sequence.computed < start; // ended, or starts again
    const whole = sequence.computed === start + count;
    const tables = [...sequence.tables];
    for (const { state, table } of sequence.kept) {
      if (gone || whole) {
        table.release();
        continue;
      }
      tables[state]?.release();
      tables[state] = table;
      sequence.computed = start;
    }
    sequence.tables = tables;
    sequence.kept = [];
    if (!gone) cutTables(sequence, sequence.computed, states);
    freeBehindWindows(sequence);
  }
}

/** Takes back the places behind the first `length` tokens. */
export function cutTables(sequence: EngineSequence, length: number, states: readonly StateLayout[]): void {
  sequence.tables.forEach((table, state) => {
    if (states[state]?.kind !== "cross") table.truncate(length);
  });
}

/** Frees the blocks that no token of a sequence can see any more. */
export function freeBehindWindows(sequence: EngineSequence): void {
  const length = Math.min(sequence.settled, sequence.computed);
  for (const table of sequence.tables) table.freeBehindWindow(length);
}
