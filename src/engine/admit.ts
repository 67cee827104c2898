import type { BlockPool } from "../cache/block-pool.ts";
import type { PrefixHit } from "../cache/prefix-index.ts";
import { SequenceTable } from "../cache/sequence-table.ts";
import { advance, catchUp, needsLastTokens } from "./advance.ts";
import { blocksFreedBy, blocksStillNeeded, blocksToStart } from "./block-budget.ts";
import { encoderTokensOf, type Gang, insertByRank } from "./gang.ts";
import { fail, mustDrainFirst, preemptLast, reclaim } from "./make-room.ts";
import type { Schedule } from "./schedule.ts";
import type { StepPlan } from "./step-plan.ts";

/**
 * Admits waiting gangs of one priority, in order of the queue. The first that does not fit stops the rest: false then, and
 * nobody behind it may be admitted in this step.
 *
 * A gang fits when there are places for it, and blocks for all its tokens beside those that running gangs of its priority or
 * a higher one still need. Running gangs of a lower priority give up theirs for it, the last in rank first, but only when
 * that is enough to let it in.
 */
export function admit<G extends Gang>(schedule: Schedule<G>, plan: StepPlan<G>, priority: number): boolean {
  const { running, waiting, limits } = schedule;
  for (let gang = waiting[0]; gang !== undefined && gang.priority === priority; gang = waiting[0]) {
    if (plan.tokens >= limits.maxTokens) return false;
    // A gang that had to make room for those before it is not let in again at once.
    if (running.length > 0 && plan.preempted.some((other) => other.priority >= priority)) return false;
    const encoderTokens = encoderTokensOf(gang);
    if (plan.encodes.length > 0 && plan.encodeTokens + encoderTokens > limits.maxTokens) return false;
    const hits = findHits(schedule, gang);
    const needed = blocksToStart(schedule, gang, hits);
    while (!fits(schedule, gang, needed) && reclaim(schedule));
    makeRoomToAdmit(schedule, gang, needed, plan);
    if (!fits(schedule, gang, needed)) {
      if (running.length > 0) return false;
      waiting.shift();
      fail(schedule, gang, shortState(schedule, needed), plan);
      continue;
    }
    waiting.shift();
    start(schedule, gang, hits, plan);
    plan.encodeTokens += encoderTokens;
    if (needsLastTokens(gang)) catchUp(schedule, gang, plan);
    else advance(schedule, gang, plan);
  }
  return true;
}

/** Puts a gang among the running ones, with empty tables or with those blocks that the cache has for it. */
function start<G extends Gang>(
  schedule: Schedule<G>,
  gang: G,
  hits: readonly (PrefixHit | undefined)[],
  plan: StepPlan<G>,
): void {
  gang.status = "running";
  schedule.places += gang.size;
  insertByRank(schedule.running, gang);
  gang.live.forEach((sequence, member) => {
    const hit = hits[member];
    sequence.tables = schedule.states.map((state, index) => {
      const table = new SequenceTable(schedule.pools[index] as BlockPool, state);
      if (state.kind === "cross") table.append(sequence.encoderTokens.length);
      else if (hit) table.adopt(hit.blocks[index] ?? [], hit.length);
      return table;
    });
    sequence.computed = hit?.length ?? 0;
    if (sequence.encoderTokens.length > 0) plan.encodes.push(sequence);
  });
}

/** What the cache has of each sequence: never its last token, and nothing from the first token on whose outputs are wanted. */
function findHits({ prefixes }: Schedule, gang: Gang): (PrefixHit | undefined)[] {
  if (!prefixes) return [];
  return gang.live.map((sequence) => {
    const most = Math.min(sequence.tokens.length - 1, sequence.outputsFrom);
    return most > 0 ? prefixes.find(sequence, most) : undefined;
  });
}

function fits(schedule: Schedule, gang: Gang, needed: readonly number[]): boolean {
  return schedule.places + gang.size <= schedule.limits.maxSequences && shortState(schedule, needed) < 0;
}

/** The first state that has too few blocks for a waiting gang beside what running ones still need; −1: none. */
function shortState(schedule: Schedule, needed: readonly number[]): number {
  const { pools, running } = schedule;
  return needed.findIndex(
    (blocks, state) => blocks + blocksStillNeeded(schedule, running, state) > (pools[state] as BlockPool).available,
  );
}

/** Preempts running gangs of a lower priority until a waiting gang fits; none when all of them together are not enough. */
function makeRoomToAdmit<G extends Gang>(schedule: Schedule<G>, gang: G, needed: readonly number[], plan: StepPlan<G>): void {
  const { running, pools, limits } = schedule;
  const first = running.findIndex(({ priority }) => priority < gang.priority);
  if (first < 0 || fits(schedule, gang, needed)) return;
  const lower = running.slice(first);
  const others = running.slice(0, first);
  const places = lower.reduce((sum, { size }) => sum + size, 0);
  if (schedule.places - places + gang.size > limits.maxSequences) return;
  const isEnough = needed.every((blocks, state) => {
    const available = (pools[state] as BlockPool).available + blocksFreedBy(schedule, lower, state);
    return blocks + blocksStillNeeded(schedule, others, state) <= available;
  });
  if (!isEnough || mustDrainFirst(schedule)) return;
  while (!fits(schedule, gang, needed)) preemptLast(schedule, plan);
}
