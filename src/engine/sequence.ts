import type { SequenceTable } from "../cache/sequence-table.ts";
import type { ProcessorChain } from "../sampling/processor.ts";
import type { FinishReason, Sequence } from "./request.ts";

/** A sequence as the engine keeps it: what decoders see, and its block tables. */
export class EngineSequence implements Sequence {
  readonly id: number;
  readonly index: number;
  readonly tokens: number[];
  readonly promptLength: number;
  readonly padding: number;
  readonly processors: ProcessorChain;
  /** What the encoder reads; empty for models without one. Forks share it. */
  readonly encoderTokens: readonly number[];
  computed = 0;
  /** Length of the prompt, or of the sequence when it outgrew the model's `rotarySwitch`: no token rotates as in a shorter one. */
  rotaryLength: number;
  /** Tokens by which the longest row of its call is ahead: it rotates as if it were that long. */
  readonly rotaryLead: number;
  /** One per state. Empty while the gang waits. */
  tables: readonly SequenceTable[] = [];
  /** What may follow `tokens`; of no worth once a token was picked. */
  draft: readonly number[] = [];
  /** So many of `draft` are in the step that runs, and so many of them were picked. */
  drafted = 0;
  accepted = 0;
  /** While a step with a draft runs: its slots as they were before. */
  kept: readonly { state: number; table: SequenceTable }[] = [];
  /** Tokens that are never taken back: all, but of sequences that park. */
  settled = Number.POSITIVE_INFINITY;
  /** Of sequences that park: the slots as they were when `length` tokens had been computed; one per state, or undefined. */
  anchor: { length: number; tables: readonly (SequenceTable | undefined)[] } | undefined = undefined;
  /** Set once, when the sequence ends. */
  finishReason: FinishReason | undefined = undefined;
  dropped = false;

  constructor(init: {
    id: number;
    index: number;
    tokens: number[];
    promptLength: number;
    rotaryLength?: number;
    rotaryLead?: number;
    padding: number;
    processors: ProcessorChain;
    encoderTokens?: readonly number[];
  }) {
    this.id = init.id;
    this.index = init.index;
    this.tokens = init.tokens;
    this.promptLength = init.promptLength;
    this.rotaryLength = init.rotaryLength ?? init.promptLength;
    this.rotaryLead = init.rotaryLead ?? 0;
    this.padding = init.padding;
    this.processors = init.processors;
    this.encoderTokens = init.encoderTokens ?? [];
  }

  /** Whether it has come to turn with other rotary factors, or, having lost tokens, with those of before: all of it, then. */
  changesRotaryFactors(rotarySwitch: number): boolean {
    const most = rotarySwitch - this.rotaryLead;
    const beyond = this.tokens.length > most;
    if (beyond === this.rotaryLength > most) return false;
    this.rotaryLength = beyond ? this.tokens.length : Math.min(this.promptLength, this.tokens.length);
    return true;
  }

  /** Tokens that still must go through the model before the next one can be picked. */
  get remaining(): number {
    return this.tokens.length - this.computed;
  }
}

/** What the scheduler knows of a request: sequences that are admitted, stepped and preempted together. */
export class Gang {
  /** Order of arrival. */
  readonly id: number;
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
  /** Drafts are awaited: it runs on when they are there. */
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

/** The chain of a sequence without logits processors. */
export const noProcessors: ProcessorChain = {
  steps: () => [],
  accept: () => {},
  fork: () => noProcessors,
};
