import type { BlockPool } from "../cache/block-pool.ts";
import type { PrefixIndex } from "../cache/prefix-index.ts";
import type { Gang } from "./gang.ts";
import type { StateLayout } from "./state-layout.ts";

/** What one step may hold. */
export interface SchedulerLimits {
  maxTokens: number;
  maxSequences: number;
  maxLogitRows: number;
}

/** All that planning reads and changes: queues, blocks and budgets. The scheduler owns it. */
export interface Schedule<G extends Gang = Gang> {
  readonly limits: SchedulerLimits;
  readonly states: readonly StateLayout[];
  /** One per state. */
  readonly pools: readonly BlockPool[];
  /** Where new sequences find blocks to start with. */
  readonly prefixes: PrefixIndex | undefined;
  /** Admitted gangs, in rank order. */
  readonly running: G[];
  /** In rank order: higher priority first, then order of arrival. */
  readonly waiting: G[];
  /** Those that rest until they are resumed, the longest first. They keep their blocks and places while nobody needs them. */
  readonly parked: G[];
  /** Places taken of `limits.maxSequences`. */
  places: number;
  /** Plans that have been made and not been committed. */
  inFlight: number;
  /** No step is planned until those in flight have been committed. */
  isDraining: boolean;
}
