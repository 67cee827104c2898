import { blocksHeldAtMost } from "../cache/sequence-table.ts";
import { TsumugiError } from "../errors.ts";
import { fullestState } from "./block-budget.ts";
import { type Gang, holdsBlocks, insertByRank } from "./gang.ts";
import { dropAnchor, releaseTables } from "./parking.ts";
import type { Schedule } from "./schedule.ts";
import { type StateLayout, tokensIn } from "./state-layout.ts";
import type { StepPlan } from "./step-plan.ts";

/**
 * Takes blocks from others until `fits`: first what only saves time, then from running gangs, the last in rank first. False
 * when the gang must wait, or has failed and is gone. A gang that the plan already computes keeps its blocks: one that ranks
 * before it then waits, at most until that gang needs another block itself.
 */
export function makeRoom<G extends Gang>(schedule: Schedule<G>, gang: G, plan: StepPlan<G>, fits: () => boolean): boolean {
  const { running } = schedule;
  while (!fits()) {
    if (reclaim(schedule)) continue;
    if (mustDrainFirst(schedule)) return false;
    const last = running[running.length - 1] as G;
    if (last === gang) {
      // Alone, it never will fit. Otherwise it waits for those before it, which may take its blocks when they need them.
      if (running.length === 1) {
        running.pop();
        schedule.places -= gang.size;
        fail(schedule, gang, fullestState(schedule), plan);
      }
      return false;
    }
    if (plan.gangs.has(last)) return false;
    preemptLast(schedule, plan);
  }
  return true;
}

/** Nothing is taken from anybody whose step is in flight: then no further step is planned until all have come back. */
export function mustDrainFirst(schedule: Schedule): boolean {
  if (schedule.inFlight > 0) schedule.isDraining = true;
  return schedule.inFlight > 0;
}

/** The last running gang gives up its blocks and waits again. */
export function preemptLast<G extends Gang>(schedule: Schedule<G>, plan: StepPlan<G>): void {
  const last = schedule.running.pop() as G;
  schedule.places -= last.size;
  last.held = false;
  for (const sequence of last.live) releaseTables(sequence);
  last.status = "waiting";
  insertByRank(schedule.waiting, last);
  plan.preempted.push(last);
}

/** Gives up something that only saves time: an anchor, else the blocks and places of a parked gang. False: there is none. */
export function reclaim(schedule: Schedule): boolean {
  const { parked, running } = schedule;
  const anchored = [...parked, ...running].flatMap(({ live }) => live).find(({ anchor }) => anchor !== undefined);
  if (anchored) {
    dropAnchor(anchored);
    return true;
  }
  const gang = parked.find(holdsBlocks);
  if (!gang) return false;
  schedule.places -= gang.size;
  for (const sequence of gang.live) releaseTables(sequence);
  return true;
}

/** Ends a gang whose blocks are more than a state has. */
export function fail<G extends Gang>({ states }: Schedule<G>, gang: G, state: number, plan: StepPlan<G>): void {
  const layout = states[state] as StateLayout;
  let given = 0;
  for (const sequence of gang.live) given += blocksHeldAtMost(layout, tokensIn(layout, sequence));
  gang.status = "ended";
  for (const sequence of gang.live) releaseTables(sequence);
  const error = new TsumugiError("cache_full", { state: layout.name, limit: layout.blocks, given });
  plan.failed.push({ gang, error });
}
