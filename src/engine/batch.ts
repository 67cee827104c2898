import type { Batch, BatchState } from "../backends/backend.ts";
import type { Gang } from "./gang.ts";
import type { EngineSequence } from "./sequence.ts";
import type { StateLayout } from "./state-layout.ts";
import type { StepPlan } from "./step-plan.ts";

/** The encoder inputs of a plan, whole. Call right after planning. */
export function buildEncodeBatch<G extends Gang>(
  { encodes, encodeTokens }: StepPlan<G>,
  states: readonly StateLayout[],
): Batch {
  const sequenceStart = new Int32Array(encodes.length + 1);
  const lengths = Int32Array.from(encodes, ({ encoderTokens }) => encoderTokens.length);
  const tokenIds = new Int32Array(encodeTokens);
  const positions = new Int32Array(encodeTokens);
  encodes.forEach(({ encoderTokens }, index) => {
    const start = sequenceStart[index] as number;
    tokenIds.set(encoderTokens, start);
    for (let position = 0; position < encoderTokens.length; position += 1) positions[start + position] = position;
    sequenceStart[index + 1] = start + encoderTokens.length;
  });
  return {
    tokenIds,
    positions,
    sequenceStart,
    promptLength: lengths,
    logitRows: new Int32Array(0),
    states: states.map(({ kind }, state): BatchState => {
      if (kind === "cross") return { ...joinTables(encodes, state), length: lengths };
      return {
        tableStart: new Int32Array(encodes.length + 1),
        table: new Int32Array(0),
        length: new Int32Array(encodes.length),
      };
    }),
    copies: [],
  };
}

/** Writes a plan out as the arrays a session takes. Call right after planning: tables change with the next plan. */
export function buildBatch<G extends Gang>(plan: StepPlan<G>, states: readonly StateLayout[]): Batch {
  const { chunks, tokens } = plan;
  const tokenIds = new Int32Array(tokens);
  const positions = new Int32Array(tokens);
  const sequenceStart = new Int32Array(chunks.length + 1);
  const promptLength = new Int32Array(chunks.length);
  const rotaryLead = new Int32Array(chunks.length);
  const padding = Int32Array.from(chunks, ({ sequence }) => sequence.padding);
  const logitRows = new Int32Array(plan.logitRows);
  let token = 0;
  let row = 0;
  chunks.forEach(({ sequence, start, count, rowsFrom }, index) => {
    promptLength[index] = sequence.rotaryLength;
    rotaryLead[index] = sequence.rotaryLead;
    for (let position = start; position < start + count; position += 1) {
      tokenIds[token] = sequence.tokens[position] ?? tokenBehind(sequence, position);
      positions[token] = position;
      if (position >= rowsFrom) {
        logitRows[row] = token;
        row += 1;
      }
      token += 1;
    }
    sequenceStart[index + 1] = token;
  });
  return {
    tokenIds,
    positions,
    sequenceStart,
    promptLength,
    rotaryLead,
    padding,
    logitRows,
    states: states.map((layout, state) => tablesOf(plan, layout, state)),
    copies: plan.copies,
  };
}

/** A token that stands behind those of the sequence: pick g of the step before, written as −1 − g, or one of its draft. */
function tokenBehind({ tokens, draft, ahead }: EngineSequence, position: number): number {
  return ahead === undefined ? (draft[position - tokens.length] as number) : -1 - ahead;
}

function tablesOf<G extends Gang>({ chunks }: StepPlan<G>, { kind }: StateLayout, state: number): BatchState {
  const length = new Int32Array(chunks.length);
  chunks.forEach(({ sequence, start, count }, index) => {
    length[index] = kind === "cross" ? sequence.encoderTokens.length : start + count;
  });
  const sequences = chunks.map(({ sequence }) => sequence);
  return { ...joinTables(sequences, state), length };
}

function joinTables(sequences: readonly EngineSequence[], state: number): Pick<BatchState, "tableStart" | "table"> {
  const tableStart = new Int32Array(sequences.length + 1);
  sequences.forEach(({ tables }, index) => {
    tableStart[index + 1] = (tableStart[index] as number) + (tables[state]?.entries.length ?? 0);
  });
  const table = new Int32Array(tableStart[sequences.length] as number);
  sequences.forEach(({ tables }, index) => {
    const entries = tables[state]?.entries;
    if (entries) table.set(entries, tableStart[index]);
  });
  return { tableStart, table };
}
