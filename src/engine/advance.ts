import type { SequenceTable } from "../cache/sequence-table.ts";
import { canFinish, roomFor } from "./block-budget.ts";
import type { Gang } from "./gang.ts";
import { makeRoom } from "./make-room.ts";
import type { Schedule } from "./schedule.ts";
import type { EngineSequence } from "./sequence.ts";
import type { StateLayout } from "./state-layout.ts";
import type { StepPlan } from "./step-plan.ts";

/** True for a gang each of whose sequences needs only its last token. */
export function needsLastTokens({ live }: Gang): boolean {
  return live.every(({ remaining }) => remaining === 1);
}

/** Computes the last token of every sequence of a running gang, all or none. */
export function catchUp<G extends Gang>(schedule: Schedule<G>, gang: G, plan: StepPlan<G>): void {
  const members = gang.live.length;
  const { maxTokens, maxLogitRows } = schedule.limits;
  if (plan.tokens + members > maxTokens || plan.logitRows + members > maxLogitRows) return;
  if (makeRoom(schedule, gang, plan, () => canFinish(schedule, gang))) finish(schedule, gang, plan);
}

/**
 * Computes as much of a running gang as fits. The last token of every sequence waits until all of them fit into one step, so
 * that they are picked from together.
 */
export function advance<G extends Gang>(schedule: Schedule<G>, gang: G, plan: StepPlan<G>): void {
  let total = 0;
  let rows = 0;
  for (const sequence of gang.live) {
    const { remaining } = sequence;
    total += remaining;
    rows += 1 + sequence.promptRows(sequence.planned, remaining - 1);
  }
  if (total <= gang.live.length) return; // `catchUp` has left it for a later step, or its picks are on their way
  const { maxTokens, maxLogitRows } = schedule.limits;
  if (plan.tokens + total <= maxTokens && plan.logitRows + rows <= maxLogitRows && canFinish(schedule, gang)) {
    finish(schedule, gang, plan);
    return;
  }
  const hasRoom = () => gang.live.some((sequence) => roomFor(schedule, sequence, sequence.remaining - 1) > 0);
  if (!makeRoom(schedule, gang, plan, hasRoom)) return;
  plan.gangs.add(gang);
  for (const sequence of gang.live) {
    let wanted = Math.min(sequence.remaining - 1, maxTokens - plan.tokens);
    // Tokens before the first wanted row are not bound by the rows that are left.
    const free = Math.max(0, sequence.outputsFrom - sequence.planned);
    wanted = Math.min(wanted, free + maxLogitRows - plan.logitRows);
    const count = roomFor(schedule, sequence, wanted);
    if (count > 0) addChunk(schedule, gang, sequence, count, false, plan);
  }
}

function finish<G extends Gang>(schedule: Schedule<G>, gang: G, plan: StepPlan<G>): void {
  plan.gangs.add(gang);
  plan.picks.push({ gang, sequences: [...gang.live], rows: [] });
  for (const sequence of gang.live) addChunk(schedule, gang, sequence, sequence.remaining, true, plan);
}

function addChunk<G extends Gang>(
  { states }: Schedule<G>,
  gang: G,
  sequence: EngineSequence,
  count: number,
  isLast: boolean,
  plan: StepPlan<G>,
): void {
  for (let state = 0; state < sequence.tables.length; state += 1) {
    if ((states[state] as StateLayout).kind === "cross") continue;
    const copy = (sequence.tables[state] as SequenceTable).append(count);
    if (copy) plan.copies.push({ state, from: copy.from, to: copy.to });
  }
  const start = sequence.planned;
  const rows = isLast ? sequence.promptRows(start, count - 1) + 1 : sequence.promptRows(start, count);
  plan.chunks.push({ gang, sequence, start, count, rowsFrom: start + count - rows, isLast, draft: 0 });
  sequence.inFlight += count;
  plan.tokens += count;
  plan.logitRows += rows;
}
