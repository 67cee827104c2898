import type { TableLayout } from "../cache/sequence-table.ts";
import type { TsumugiError } from "../errors.ts";
import type { EngineSequence, Gang } from "./sequence.ts";

/** What one step may hold, and the KV blocks there are. */
export interface SchedulerLimits {
  maxTokens: number;
  maxSequences: number;
  maxLogitRows: number;
}

/** Tokens in one block of a slot state: so many that one block holds any sequence, and its copy on write is the fork. */
export const slotTokens = 2 ** 40;

/** A state of the model. */
export interface PagedState extends TableLayout {
  name: string;
  /** Blocks of "cross" are filled with the encoder's output when a sequence is admitted, and then only read. Default "paged". */
  kind?: "paged" | "cross" | "slot";
  /** KV blocks in all. */
  blocks: number;
}

/** Tokens start … start + count − 1 of a sequence go through the model. */
export interface Chunk<G extends Gang = Gang> {
  gang: G;
  sequence: EngineSequence;
  start: number;
  count: number;
  /** The logits of the last token, and of each of the draft, are wanted: with it the whole gang is caught up. */
  logits: boolean;
  /** So many of `count`, the last ones, are the sequence's draft. */
  draft: number;
}

/** One step, decided. */
export interface StepPlan<G extends Gang = Gang> {
  /** Sequences whose encoder input is computed first, each as a whole, in the order of that batch. */
  encodes: EngineSequence[];
  encodeTokens: number;
  /** In the order of the batch. */
  chunks: Chunk<G>[];
  /** Gangs that are caught up after this step; for each live sequence, the logit row of its last token. Its draft's follow. */
  picks: { gang: G; rows: number[] }[];
  copies: { state: number; from: number; to: number }[];
  tokens: number;
  logitRows: number;
  preempted: G[];
  /** Gangs that outgrew the KV cache all alone. They have been removed. */
  failed: { gang: G; error: TsumugiError }[];
}

export function emptyPlan<G extends Gang>(): StepPlan<G> {
  return {
    encodes: [],
    encodeTokens: 0,
    chunks: [],
    picks: [],
    copies: [],
    tokens: 0,
    logitRows: 0,
    preempted: [],
    failed: [],
  };
}

/** Logit rows stand in the order of the chunks; a chunk's last token and its draft have one each. */
export function placeRows<G extends Gang>({ chunks, picks }: StepPlan<G>): void {
  const rows = new Map(picks.map((pick) => [pick.gang, pick.rows]));
  let row = 0;
  for (const { gang, logits, draft } of chunks) {
    if (!logits) continue;
    rows.get(gang)?.push(row);
    row += 1 + draft;
  }
}
