import type { BlockPool } from "../cache/block-pool.ts";
import { cutTables } from "./drafts.ts";
import type { EngineSequence } from "./sequence.ts";
import type { StateLayout } from "./state-layout.ts";

/** What was computed of a sequence holds no longer: it catches up from its first token. The encoder's output stays. */
export function restart(sequence: EngineSequence, states: readonly StateLayout[]): void {
  dropAnchor(sequence);
  sequence.tables.forEach((table, state) => {
    if (states[state]?.kind !== "cross") table.release();
  });
  sequence.computed = 0;
}

/** Takes a sequence that parks back to its first `length` tokens: slots, to their anchor; without one, it starts again. */
export function rewind(sequence: EngineSequence, length: number, states: readonly StateLayout[]): void {
  const { anchor, settled } = sequence;
  let end = length;
  if (states.some(({ kind }) => kind === "slot")) end = anchor && anchor.length <= length ? anchor.length : 0;
  if (end === 0 || length < settled) {
    restart(sequence, states);
    return;
  }
  if (anchor) {
    sequence.tables = sequence.tables.map((table, state) => {
      const kept = anchor.tables[state];
      if (kept) table.release();
      return kept ?? table;
    });
    sequence.anchor = undefined;
  }
  cutTables(sequence, end, states);
  sequence.computed = end;
}

/** Keeps the slots of a sequence as they are now, where there is another one for it to go on with. */
export function setAnchor(sequence: EngineSequence, states: readonly StateLayout[], pools: readonly BlockPool[]): void {
  dropAnchor(sequence);
  const isSlot = (state: number) => states[state]?.kind === "slot";
  if (!states.some((_, state) => isSlot(state) && (pools[state] as BlockPool).available > 0)) return;
  const tables = sequence.tables.map((table, state) => (isSlot(state) ? table.fork() : undefined));
  sequence.anchor = { length: sequence.computed, tables };
}

/** Gives the slots of an anchor back. */
export function dropAnchor(sequence: EngineSequence): void {
  for (const table of sequence.anchor?.tables ?? []) table?.release();
  sequence.anchor = undefined;
}

/** Gives back all that a sequence holds. */
export function releaseTables(sequence: EngineSequence): void {
  dropAnchor(sequence);
  for (const { table } of sequence.kept) table.release();
  sequence.kept = [];
  for (const table of sequence.tables) table.release();
  sequence.tables = [];
  sequence.computed = 0;
  sequence.inFlight = 0;
  sequence.ahead = undefined;
}
