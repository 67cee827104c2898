import type { Chunk, StepPlan } from "./step-plan.ts";

/** What one step did. */
export interface StepReport {
  /** Tokens that went through the model. */
  tokens: number;
  /** Sequences that took part. */
  sequences: number;
  /** Rows of logits that were computed. */
  logitRows: number;
  /** Copies of blocks that sequences shared. */
  copies: number;
  /** Requests that gave up their blocks. */
  preempted: number;
  /** Tokens of drafts that went through the model. */
  drafted: number;
  /** Tokens of drafts that were picked. */
  accepted: number;
}

/** @param drafts the chunks that had drafts when the step was queued */
export function reportOf(plan: StepPlan, drafts: readonly Chunk[]): StepReport {
  return {
    tokens: plan.tokens,
    sequences: plan.chunks.length,
    logitRows: plan.logitRows,
    copies: plan.copies.length,
    preempted: plan.preempted.length,
    drafted: drafts.reduce((sum, { draft }) => sum + draft, 0),
    accepted: drafts.reduce((sum, { sequence }) => sum + sequence.accepted, 0),
  };
}
