import type { SamplingGroup, SamplingPicks } from "../sampling/group.ts";
import type { ProcessorChain } from "../sampling/processor.ts";

/** Why a sequence ended. */
export type FinishReason = "eos" | "length" | "stop" | "time" | "abort";

/** One sequence of tokens on its way through the engine. */
export interface Sequence {
  /** Unique in the engine. */
  readonly id: number;
  /** Place in its request: inputs first, then forks in the order they were made. Never changes. */
  readonly index: number;
  /** Prompt, then generated tokens. The engine appends; decoders only read. */
  readonly tokens: readonly number[];
  readonly promptLength: number;
  /**
   * Left pads that logits processors and length rules see in front of the row, as in transformers; the model does not, but for
   * ops that count pads because transformers' model does (Llama 4's temperature).
   */
  readonly padding: number;
  /** What may follow `tokens`, as its drafter has it. The step that picks the next token picks those behind it too, while they hold. */
  readonly draft: readonly number[];
  /** Tokens whose keys and values are in the cache: every step catches it up towards `tokens.length`. */
  readonly computed: number;
  /** State of the logits processors of this sequence. */
  readonly processors: ProcessorChain;
}

/** What a decoder wants done after a step. */
export type DecoderAction =
  /** Append a token; with `finish` the sequence ends after it. */
  | { kind: "append"; sequence: Sequence; token: number; finish?: FinishReason }
  /** A new sequence that shares everything computed so far (copy-on-write), then `token`. Its slot is after all others. */
  | { kind: "fork"; sequence: Sequence; token: number; finish?: FinishReason }
  /** Forget a sequence without an outcome (a beam that fell out). */
  | { kind: "drop"; sequence: Sequence }
  /** End a sequence without another token. */
  | { kind: "finish"; sequence: Sequence; reason: FinishReason }
  /** Keep the sequence as it is, cache included, until `resume` of its request's handle. Needs `parks`. */
  | { kind: "park"; sequence: Sequence };

/**
 * How a gang of sequences turns logits into tokens: greedy, sampling, beam search, …
 * A decoder is synchronous and does no I/O. It is given the live sequences only, in order of `index`, all caught up (with a
 * drafter, it is asked again in the same step about those whose draft held, and must decide about each by itself);
 * an exception, or actions that break the rule of `next`, fail its request and no other.
 */
export interface Decoder {
  /** What to pick from this step's logits. `rows` of a group are indices into `sequences`. */
  groups(sequences: readonly Sequence[]): SamplingGroup[];
  /**
   * Given, it is told the hidden states behind the last norm (program output "hidden", a tap of the session) of every
   * token that goes through the model, before `next`: positions start … of `sequence`, [tokens × width]. Tokens come
   * again where a request was preempted. It is told once for each of `observed`, and of the encoder's input, all of it, once
   * for each of `observedEncoder`.
   */
  observe?(sequence: Sequence, start: number, hidden: Float32Array, width: number, output: string): void;
  /** Outputs of the program that `observe` is told of, [T, width] each. Default: "hidden". */
  readonly observed?: readonly string[];
  /** Outputs of the encoder's program that `observe` is told of when it has run. Default: none. */
  readonly observedEncoder?: readonly string[];
  /**
   * What to pick from logits of prompt tokens, for requests with `outputsFrom`: those at positions start …
   * start + count − 1 of a sequence. `rows` of a group are 0 … count − 1. Asked once for each position, in order.
   */
  promptGroups?(sequence: Sequence, start: number, count: number): SamplingGroup[];
  /** Told of what `promptGroups` asked for: one entry of picks per group. Comes before `next` of the same step. */
  promptPicks?(picks: readonly SamplingPicks[], sequence: Sequence, start: number, count: number): void;
  /**
   * True for a decoder that gives `groups` of one row and one pick for each sequence, in their order, and always appends that
   * pick, whatever else it decides. The step behind may then be queued before the pick is known. Default false.
   */
  readonly appendsPicks?: boolean;
  /** One entry of picks per group. Every live sequence must get exactly one append, drop or finish (forks come on top). */
  next(picks: readonly SamplingPicks[], sequences: readonly Sequence[]): DecoderAction[];
}

/**
 * Guesses tokens, so that one step of the model can pick several: those it picks anyway are kept, up to the first that
 * differs. What is picked, and the random numbers, are the same without it.
 */
export interface Drafter {
  /**
   * Tokens that may follow `sequence.tokens`, at most `most` (a number above 0). The sequence waits for a promise, other
   * requests do not; one that rejects fails its request.
   */
  draft(sequence: Sequence, most: number): readonly number[] | Promise<readonly number[]>;
  /** The first `accepted` of `drafted` tokens that went through the model were picked. Called for ended sequences too. */
  judge?(sequence: Sequence, drafted: number, accepted: number): void;
  /** The sequence has ended, for whatever reason. */
  end?(sequence: Sequence): void;
}

/** A sequence to start. */
export interface SequenceInput {
  /** At least one token; pads removed. */
  tokens: readonly number[];
  padding?: number;
  /**
   * Dynamic RoPE and longrope: rotates as in a sequence of so many tokens more. transformers lets the longest row of a call
   * decide for all its rows. Default 0: neighbours change nothing.
   */
  rotaryLead?: number;
  processors?: ProcessorChain;
  /** What the encoder reads, pads removed: at least one token. Needed by encoder-decoder models, and only by them. */
  encoderTokens?: readonly number[];
}

/** What a request emits after every step of its gang, in order. */
export interface RequestEvent {
  /** Index of the sequence in the request: inputs first, then forks in the order they were made. */
  sequence: number;
  token: number;
  finish?: FinishReason;
}

/** A gang of sequences that is admitted, stepped and preempted together. */
export interface Request {
  sequences: readonly SequenceInput[];
  decoder: Decoder;
  /** The most sequences that are ever live at once (forks included). Default: `sequences.length`. Room is kept for all of them. */
  gangSize?: number;
  /**
   * The most tokens (prompt included) that any sequence will reach. When given, a request that could not fit the KV cache
   * even alone is refused at `submit`; otherwise it fails with `cache_full` when it gets there. The decoder enforces it.
   */
  maxLength?: number;
  /**
   * Milliseconds on the engine's clock (performance.now()) after which live sequences end with "time": checked after each
   * step, and by a timer while the engine only waits for drafts.
   */
  deadline?: number;
  /** Aborting ends live sequences with "abort" and frees their blocks at once. */
  signal?: AbortSignal;
  /** Asked after each step for each live sequence. Not for decoders that look at several sequences at once, or fork later than in the first step. */
  drafter?: Drafter;
  /** Its one sequence, which has no processors, may be parked, and then resumed with other tokens. Default false. */
  parks?: boolean;
  /**
   * Called when a step has been planned that has no place for the request, once for each time that the request begins to
   * wait (a preempted one waits again). It may abort the request.
   */
  onWait?: () => void;
  /** Dropped sequences keep no tokens: a search over beams drops very many. Default false. */
  forgetDropped?: boolean;
  /**
   * A higher number goes first, an equal one in order of arrival. A request may take places and KV blocks from running ones
   * of a lower priority, which then start again later; among equals the newest gives way when blocks run out. Default 0.
   */
  priority?: number;
  /**
   * Position of the first prompt token whose logits are wanted: `decoder` is told of those of every prompt token from there
   * on, but the last one (`promptGroups`). Every row takes one of the step's logit rows. Default: none are wanted.
   */
  outputsFrom?: number;
  /**
   * Cached prefixes are shared only between requests of the same salt: a server sets it where users must not learn from
   * timings what others have asked. It reaches `PrefixIndex` with the sequence; without an index it has nothing to separate.
   * Default "".
   */
  salt?: string;
  /**
   * The adapter that its rows go through, by the number that `Session.loadAdapter` gave; −1 for none. No session can load one
   * yet: any other number is refused at `submit` with `unsupported_option`. Default −1.
   */
  adapter?: number;
  /** Called synchronously after each step with what was appended. An exception fails this request only. */
  onTokens?: (events: readonly RequestEvent[]) => void;
}

/** How one sequence of a request ended. */
export interface SequenceResult {
  /** Prompt and generated tokens. */
  tokens: number[];
  promptLength: number;
  finishReason: FinishReason;
  /** True for a sequence the decoder dropped. */
  dropped: boolean;
}

/** Times in milliseconds on the engine's clock. */
export interface RequestTimings {
  submitted: number;
  /** First time the request was part of a step; equal to `finished` when it never was. */
  started: number;
  /** When the first token was appended; equal to `finished` when none was. */
  firstToken: number;
  finished: number;
}

export interface RequestResult {
  sequences: SequenceResult[];
  timings: RequestTimings;
}

/** A running request: exactly one of resolve (finished, aborted included) or reject (failed) happens. */
export interface RequestHandle {
  readonly id: number;
  readonly result: Promise<RequestResult>;
  abort(): void;
  /**
   * A parked request goes on with these tokens in place of its own. What of the cache belongs to tokens that are the same
   * stays. A parked request gives its cache up where others need it: that costs time, and changes nothing.
   */
  resume(tokens: readonly number[]): void;
}

/** The engine as generate/ and server/ see it. */
export interface EngineInterface {
  /**
   * Throws where the request can never be served (`request_too_large`, `invalid_input`, `unsupported_option`), where the
   * queue is full (`queue_full`), or the engine is disposed (`disposed`).
   */
  submit(request: Request): RequestHandle;
  /** Sequences running and waiting, KV blocks used and free. */
  statistics(): EngineStatistics;
  /** Aborts everything, waits for the step in flight, frees the session. */
  dispose(): Promise<void>;
}

/** What an engine is doing at this moment. Sequences are counted, not requests: a search over four beams counts four. */
export interface EngineStatistics {
  /** Sequences that steps serve. */
  running: number;
  /** Sequences that wait for a place, those that gave theirs up included. */
  waiting: number;
  /** Sequences that rest until their request is resumed. */
  parked: number;
  /** Steps since the engine was made. */
  steps: number;
  /** Blocks of each state that sequences hold, and those that a new one could have. */
  blocks: { [state: string]: { used: number; free: number } };
}
