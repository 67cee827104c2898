import type { TsumugiError } from "../errors.ts";
import type { Gang } from "./gang.ts";
import type { EngineSequence } from "./sequence.ts";

/** Tokens start … start + count − 1 of a sequence go through the model. */
export interface Chunk<G extends Gang = Gang> {
  gang: G;
  sequence: EngineSequence;
  start: number;
  count: number;
  /** The first position whose logits are wanted; those of all behind it are too. `start + count`: none are. */
  rowsFrom: number;
  /** The chunk holds the sequence's last token, from whose logits the next one is picked. */
  isLast: boolean;
  /** So many of `count`, the last ones, are the sequence's draft. */
  draft: number;
}

/** Logit rows of prompt tokens, which a decoder is told of and picks nothing from. */
export interface PromptRows<G extends Gang = Gang> {
  gang: G;
  sequence: EngineSequence;
  /** Position of the first token. */
  start: number;
  /** Logit row of the first token; the others follow. */
  row: number;
  count: number;
}

/** One step, decided. */
export interface StepPlan<G extends Gang = Gang> {
  /** Gangs that take part. They keep their blocks during this step. */
  gangs: Set<G>;
  /** Sequences whose encoder input is computed first, each as a whole, in the order of that batch. */
  encodes: EngineSequence[];
  encodeTokens: number;
  /** In the order of the batch. */
  chunks: Chunk<G>[];
  /** Gangs that are caught up after this step: their live sequences, and the logit row of each one's last token. Its draft's follow. */
  picks: { gang: G; sequences: EngineSequence[]; rows: number[] }[];
  prompts: PromptRows<G>[];
  copies: { state: number; from: number; to: number }[];
  tokens: number;
  logitRows: number;
  preempted: G[];
  /** Gangs that outgrew the KV cache all alone. They have been removed. */
  failed: { gang: G; error: TsumugiError }[];
}

export function emptyPlan<G extends Gang>(): StepPlan<G> {
  return {
    gangs: new Set(),
    encodes: [],
    encodeTokens: 0,
    chunks: [],
    picks: [],
    prompts: [],
    copies: [],
    tokens: 0,
    logitRows: 0,
    preempted: [],
    failed: [],
  };
}

/** Numbers the logit rows, which stand in the order of the chunks. Call when the plan is complete, drafts included. */
export function placeRows<G extends Gang>({ chunks, picks, prompts }: StepPlan<G>): void {
  const rows = new Map(picks.map((pick) => [pick.gang, pick.rows]));
  let row = 0;
  for (const { gang, sequence, start, count, rowsFrom, isLast, draft } of chunks) {
    const total = start + count - rowsFrom;
    const ofPrompt = isLast ? total - 1 - draft : total;
    if (ofPrompt > 0) prompts.push({ gang, sequence, start: rowsFrom, row, count: ofPrompt });
    if (isLast) rows.get(gang)?.push(row + ofPrompt);
    row += total;
  }
}

/** False for a sequence that ended, or was aborted, while its step was in flight. */
export function isLive({ status }: Gang, { finishReason }: EngineSequence): boolean {
  return status === "running" && finishReason === undefined;
}

/** Takes sequences that have ended out of a plan. */
export function keepLive<G extends Gang>(plan: StepPlan<G>): void {
  plan.chunks = plan.chunks.filter(({ gang, sequence }) => isLive(gang, sequence));
  plan.picks = plan.picks
    .map(({ gang, sequences }) => ({ gang, sequences: sequences.filter((each) => isLive(gang, each)), rows: [] }))
    .filter(({ sequences }) => sequences.length > 0);
  plan.prompts = [];
  plan.tokens = 0;
  plan.logitRows = 0;
  for (const { start, count, rowsFrom } of plan.chunks) {
    plan.tokens += count;
    plan.logitRows += start + count - rowsFrom;
  }
  placeRows(plan);
}
