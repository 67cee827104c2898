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
  /** Tokens in steps that have been planned and not been committed. */
  inFlight = 0;
  /** The next token is this pick of the step in flight, and will be appended: the step behind it may be planned. */
  ahead: number | undefined = undefined;
  /** Position of the first prompt token whose logits are still wanted. Infinity: none are. */
  outputsFrom: number;
  readonly salt: string;
  /** Length of the prompt, or of the sequence when it outgrew the model's `rotarySwitch`: no token rotates as in a shorter one. */
  rotaryLength: number;
  /** Tokens by which the longest row of its call is ahead: it rotates as if it were that long. */
  readonly rotaryLead: number;
  /** One per state. Empty while the gang waits. */
  tables: readonly SequenceTable[] = [];
  /** What may follow `tokens`. It is used up when the next token is picked. */
  draft: readonly number[] = [];
  /** Tokens of `draft` that are in the step that runs, and how many of those were picked. */
  drafted = 0;
  accepted = 0;
  /** The slots as they were before the step that runs, when it has a draft. */
  kept: readonly { state: number; table: SequenceTable }[] = [];
  /** Tokens that are never taken back. Only sequences that park can lose some. */
  settled = Number.POSITIVE_INFINITY;
  /** The slots of a sequence that parks as they were when `length` tokens had been computed; one per state, or undefined. */
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
    outputsFrom?: number;
    salt?: string;
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
    this.outputsFrom = init.outputsFrom ?? Number.POSITIVE_INFINITY;
    this.salt = init.salt ?? "";
  }

  /**
   * Whether the number of tokens has crossed the switch, in either direction, since the rotary factors were chosen. Then all
   * tokens turn with other factors.
   */
  changesRotaryFactors(rotarySwitch: number): boolean {
    const most = rotarySwitch - this.rotaryLead;
    const beyond = this.tokens.length > most;
    if (beyond === this.rotaryLength > most) return false;
    this.rotaryLength = beyond ? this.tokens.length : Math.min(this.promptLength, this.tokens.length);
    return true;
  }

  /** Tokens that still must go through the model before the next one can be picked. */
  get remaining(): number {
    return this.tokens.length + (this.ahead === undefined ? 0 : 1) - this.planned;
  }

  /** Tokens that went through the model, or are on their way. */
  get planned(): number {
    return this.computed + this.inFlight;
  }

  /** How many of `count` tokens from position `start` on have logits that are wanted as those of the prompt. */
  promptRows(start: number, count: number): number {
    // The prompt's last token does not count: the first new token is picked from its logits.
    return Math.max(0, Math.min(start + count, this.promptLength - 1) - Math.max(start, this.outputsFrom));
  }
}

/** The chain of a sequence without logits processors. */
export const noProcessors: ProcessorChain = {
  steps: () => [],
  accept: () => {},
  fork: () => noProcessors,
};
