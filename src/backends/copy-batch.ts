import type { Batch } from "./backend.ts";

/** A copy that shares no array with the batch, whose owner may write over it as soon as `run` has returned. */
export function copyBatch(batch: Batch): Batch {
  return {
    tokenIds: batch.tokenIds.slice(),
    positions: batch.positions.slice(),
    sequenceStart: batch.sequenceStart.slice(),
    promptLength: batch.promptLength.slice(),
    ...(batch.rotaryLead && { rotaryLead: batch.rotaryLead.slice() }),
    ...(batch.padding && { padding: batch.padding.slice() }),
    ...(batch.adapter && { adapter: batch.adapter.slice() }),
    logitRows: batch.logitRows.slice(),
    states: batch.states.map(({ tableStart, table, length }) => ({
      tableStart: tableStart.slice(),
      table: table.slice(),
      length: length.slice(),
    })),
    copies: batch.copies.map((copy) => ({ ...copy })),
  };
}
