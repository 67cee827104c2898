import type { TableLayout } from "../cache/sequence-table.ts";
import type { EngineSequence } from "./sequence.ts";

/** Tokens in one block of a slot state: so many that one block holds any sequence, and its copy on write is the fork. */
export const slotTokens = 2 ** 40;

/** A state of the model as the scheduler sees it: blocks, and how sequences lie in them. */
export interface StateLayout extends TableLayout {
  name: string;
  /** Blocks of "cross" are filled with the encoder's output when a sequence is admitted, and then only read. Default "paged". */
  kind?: "paged" | "cross" | "slot";
  /** Blocks in all; slots, of a slot state. */
  blocks: number;
}

/** Tokens of a sequence that a state must hold when the sequence is caught up. */
export function tokensIn(state: StateLayout, { tokens, encoderTokens }: EngineSequence): number {
  return state.kind === "cross" ? encoderTokens.length : tokens.length;
}
