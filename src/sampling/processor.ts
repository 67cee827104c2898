import type { RandomStream } from "./random-stream.ts";
import type { SamplingStep } from "./step.ts";

/** What a processor may know about the row it works for, when it is created. */
export interface ProcessorContext {
  /** Prompt tokens, with left pads when the row was padded. In an encoder-decoder model they are the decoder's. */
  promptTokens: readonly number[];
  /** What the encoder reads. Default: `promptTokens`. */
  encoderTokens?: readonly number[];
  /** What the encoder reads of every prompt of the call, in order. Default: of this prompt alone. */
  encoderRows?: readonly (readonly number[])[];
  /** Tokens that the row may have in the end, prompt and pads included. */
  maxLength: number;
  eosTokenIds: readonly number[];
  vocabularySize: number;
  /** `forcedBosTokenId` is set. */
  forcedBos?: boolean;
  /** How many beams the search has that this row belongs to. Without a search it is 1. */
  beams: number;
  /** Gives the bytes of text that a token stands for. It is absent where no processor said that it needs them. */
  tokenBytes?: (token: number) => Uint8Array;
}

/** Which row the steps are for, and where its random numbers are. */
export interface StepPlace {
  /** Index of the output row in its batch. In a search over beams it is the index of the prompt. */
  row: number;
  /** Index of the row of scores among all that transformers processes at once, beams counted. Default: `row`. */
  scoreRow?: number;
  /** The stream that the row draws from, when sampling, and the place of this step in it. */
  stream?: RandomStream;
  offset?: number;
}

/**
 * One logits processor of one sequence. It gives steps without having seen the logits. They are data, which a backend may run
 * natively. Where its work cannot be said as data, it gives a "call" step, which moves the row to TypeScript. A processor that
 * would do nothing is not created: off means absent.
 */
export interface Processor {
  /** Steps for the next token, given everything accepted so far. */
  steps(place: StepPlace): readonly SamplingStep[];
  /** A token was appended to the sequence. */
  accept(token: number): void;
  /** An independent copy, for a fork of the sequence. */
  fork(): Processor;
}

/** All processors of one sequence, in transformers' order. */
export interface ProcessorChain {
  steps(place?: StepPlace): readonly SamplingStep[];
  accept(token: number): void;
  fork(): ProcessorChain;
}
