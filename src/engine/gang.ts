import type { EngineSequence } from "./sequence.ts";

/** What the scheduler knows of a request: sequences that are admitted, stepped and preempted together. */
export class Gang {
  /** Order of arrival. */
  readonly id: number;
  /** Higher goes first. */
  readonly priority: number;
  /** Places kept for it among the running sequences. */
  readonly size: number;
  /** The most tokens one of its sequences will reach, where known. */
  readonly maxLength: number | undefined;
  /** All that ever were, by `index`. */
  readonly sequences: EngineSequence[];
  /** Those that have not ended, by `index`. */
  readonly live: EngineSequence[];
  /** Its sequences are asked for drafts. */
  readonly drafts: boolean;
  /** It waits for drafts, and runs on when they are there. */
  held = false;
  /** Kept by the scheduler. */
  status: "new" | "waiting" | "running" | "parked" | "ended" = "new";

  constructor(init: {
    id: number;
    priority: number;
    size: number;
    maxLength?: number;
    drafts?: boolean;
    sequences: EngineSequence[];
  }) {
    this.id = init.id;
    this.priority = init.priority;
    this.size = init.size;
    this.maxLength = init.maxLength;
    this.drafts = init.drafts ?? false;
    this.sequences = init.sequences;
    this.live = [...init.sequences];
  }
}

/**
 * The one order of all gangs: higher priority first, then the one that arrived earlier. Queues are kept in it, steps are
 * filled in it, and preemption takes from its end. It never changes, so the first gang of it always moves.
 */
export function ranksBefore(gang: Gang, other: Gang): boolean {
  return gang.priority > other.priority || (gang.priority === other.priority && gang.id < other.id);
}

/** Puts a gang into its place in a list that is kept in rank order. */
export function insertByRank<G extends Gang>(gangs: G[], gang: G): void {
  // It looks from the end, since arrivals are the common case.
  let place = gangs.length;
  while (place > 0 && ranksBefore(gang, gangs[place - 1] as G)) place -= 1;
  gangs.splice(place, 0, gang);
}

/** Tokens that a gang's encoder inputs have together. */
export function encoderTokensOf(gang: Gang): number {
  return gang.live.reduce((sum, { encoderTokens }) => sum + encoderTokens.length, 0);
}

/** True for a gang that has been admitted and has not given up its blocks. */
export function holdsBlocks({ live }: Gang): boolean {
  return live.some(({ tables }) => tables.length > 0);
}
