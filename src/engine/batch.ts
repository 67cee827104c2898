import type { Batch, BatchState } from "../backends/backend.ts";
import type { StepPlan } from "./scheduler.ts";
import type { Gang } from "./sequence.ts";

/** Writes a plan out as the arrays a session takes. Call right after planning: tables change with the next plan. */
export function buildBatch<G extends Gang>(plan: StepPlan<G>, states: number): Batch {
  const { chunks, tokens } = plan;
  const tokenIds = new Int32Array(tokens);
  const positions = new Int32Array(tokens);
  const sequenceStart = new Int32Array(chunks.length + 1);
  const promptLength = new Int32Array(chunks.length);
  const logitRows = new Int32Array(plan.logitRows);
  let token = 0;
  let row = 0;
  chunks.forEach(({ sequence, start, count, logits }, index) => {
    promptLength[index] = sequence.promptLength;
    for (let position = start; position < start + count; position += 1) {
      tokenIds[token] = sequence.tokens[position] as number;
      positions[token] = position;
      token += 1;
    }
    sequenceStart[index + 1] = token;
    if (logits) {
      logitRows[row] = token - 1;
      row += 1;
    }
  });
  return {
    tokenIds,
    positions,
    sequenceStart,
    promptLength,
    logitRows,
    states: Array.from({ length: states }, (_, state) => tablesOf(plan, state)),
    copies: plan.copies,
  };
}

function tablesOf<G extends Gang>({ chunks }: StepPlan<G>, state: number): BatchState {
  const tableStart = new Int32Array(chunks.length + 1);
  const length = new Int32Array(chunks.length);
  chunks.forEach(({ sequence, start, count }, index) => {
    tableStart[index + 1] = (tableStart[index] as number) + (sequence.tables[state]?.entries.length ?? 0);
    length[index] = start + count;
  });
  const table = new Int32Array(tableStart[chunks.length] as number);
  chunks.forEach(({ sequence }, index) => {
    const entries = sequence.tables[state]?.entries;
    if (entries) table.set(entries, tableStart[index]);
  });
  return { tableStart, table, length };
}
