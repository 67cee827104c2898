import type { BlockPool } from "../cache/block-pool.ts";
import type { PrefixHit } from "../cache/prefix-index.ts";
import { blocksHeldAtMost, type SequenceTable } from "../cache/sequence-table.ts";
import type { Gang } from "./gang.ts";
import type { Schedule } from "./schedule.ts";
import type { EngineSequence } from "./sequence.ts";
import { type StateLayout, tokensIn } from "./state-layout.ts";

/** True when the pools hold the blocks with which all members of a running gang catch up completely. */
export function canFinish({ states, pools }: Schedule, gang: Gang): boolean {
  for (let state = 0; state < pools.length; state += 1) {
    if ((states[state] as StateLayout).kind === "cross") continue;
    const pool = pools[state] as BlockPool;
    let needed = 0;
    let tails: Map<number, number> | undefined;
    for (const sequence of gang.live) {
      const table = sequence.tables[state] as SequenceTable;
      needed += table.blocksToAppend(sequence.remaining);
      const tail = table.sharedTail;
      if (tail < 0) continue;
      // The last one left of those that share a tail writes in place.
      tails ??= new Map();
      const seen = (tails.get(tail) ?? 0) + 1;
      tails.set(tail, seen);
      if (seen < pool.sharers(tail)) needed += 1;
    }
    if (needed > pool.available) return false;
  }
  return true;
}

/** How many of `wanted` tokens of a running sequence the pools have room for. */
export function roomFor({ states }: Schedule, sequence: EngineSequence, wanted: number): number {
  let room = wanted;
  sequence.tables.forEach((table, state) => {
    if ((states[state] as StateLayout).kind !== "cross") room = Math.min(room, table.roomWith(table.pool.available));
  });
  return Math.max(0, room);
}

/** Blocks of each state that a waiting gang needs beyond those it would find in the cache and share with a running sequence. */
export function blocksToStart({ states, pools }: Schedule, gang: Gang, hits: readonly (PrefixHit | undefined)[]): number[] {
  return states.map((state, index) => {
    const pool = pools[index] as BlockPool;
    let needed = state.kind === "cross" ? 0 : gang.size - gang.live.length; // a block to start each fork with
    gang.live.forEach((sequence, member) => {
      needed += blocksHeldAtMost(state, tokensIn(state, sequence));
      for (const id of hits[member]?.blocks[index] ?? []) if (id >= 0 && !pool.isEvictable(id)) needed -= 1;
    });
    return needed;
  });
}

/** Blocks of one state that running gangs still need to catch up. */
export function blocksStillNeeded({ states }: Schedule, gangs: readonly Gang[], state: number): number {
  const layout = states[state] as StateLayout;
  let needed = 0;
  for (const { live } of gangs) {
    for (const sequence of live) {
      const held = (sequence.tables[state] as SequenceTable).heldBlocks;
      needed += Math.max(0, blocksHeldAtMost(layout, tokensIn(layout, sequence)) - held);
    }
  }
  return needed;
}

/** Blocks of one state that nobody would hold if these running gangs gave up theirs. */
export function blocksFreedBy({ pools }: Schedule, gangs: readonly Gang[], state: number): number {
  const pool = pools[state] as BlockPool;
  const holds = new Map<number, number>();
  for (const { live } of gangs) {
    for (const { tables } of live) {
      for (const id of (tables[state] as SequenceTable).entries) if (id >= 0) holds.set(id, (holds.get(id) ?? 0) + 1);
    }
  }
  let freed = 0;
  for (const [id, count] of holds) if (count === pool.references(id)) freed += 1;
  return freed;
}

/** The paged state with the fewest blocks available. */
export function fullestState({ states, pools }: Schedule): number {
  const isCross = (state: number) => (states[state] as StateLayout).kind === "cross";
  let fullest = Math.max(
    0,
    states.findIndex(({ kind }) => kind !== "cross"),
  );
  pools.forEach((pool, index) => {
    if (!isCross(index) && pool.available < (pools[fullest] as BlockPool).available) fullest = index;
  });
  return fullest;
}
