import type { Budget } from "./budget.ts";

/** What one rendering carries along. */
export interface Runtime {
  readonly budget: Budget;
  /** The text written so far, of the innermost buffer. */
  out: string;
  /** Line of the statement that runs, from 1. */
  line: number;
  /** Calls of macros and recursive loops that are open. */
  depth: number;
  /** Whether `{% autoescape %}` is on. */
  autoescape: boolean;
  /** The code points of the text that was indexed last. */
  readonly points: { text: string; points: readonly string[] | undefined };
}
