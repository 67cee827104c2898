import type { SamplingStep } from "./step.ts";

/** What a processor may know about the row it works for, when it is created. */
export interface ProcessorContext {
  /** Prompt tokens, left pads included when the row was padded. */
  promptTokens: readonly number[];
  eosTokenIds: readonly number[];
  vocabularySize: number;
  /** Beams of the search this row belongs to; 1 otherwise. */
  beams: number;
}

/**
 * One logits processor of one sequence. It gives either `steps`, never seeing logits (they may run natively), or one
 * "call" step. Off means absent: a processor that would do nothing is not created.
 */
export interface Processor {
  /** Steps for the next token, given everything accepted so far. */
  steps(): readonly SamplingStep[];
  /** A token was appended to the sequence. */
  accept(token: number): void;
  /** An independent copy, for a fork of the sequence. */
  fork(): Processor;
}

/** All processors of one sequence, in transformers' order. */
export interface ProcessorChain {
  steps(): readonly SamplingStep[];
  accept(token: number): void;
  fork(): ProcessorChain;
}
