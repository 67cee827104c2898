import type { Model, ProgramName } from "../ops/program.ts";
import type { SamplingGroup, SamplingPicks } from "../sampling/group.ts";
import type { FileRange, TensorInfo } from "../tensor/tensor-info.ts";
import type { WeightsLimit } from "./weight-holding.ts";

export type { FileRange, TensorInfo };

/** Where weights come from. Native backends read file ranges themselves; bytes in memory serve tests. */
export interface WeightSource {
  tensors(): readonly TensorInfo[];
  locate(tensor: string): FileRange | Uint8Array;
  /** A tensor's data, for backends that do not read files themselves. Needed where `locate` gives file ranges. */
  read?(tensor: string): Promise<Uint8Array>;
}

/** What a session must hold at once. What does not fit is refused by `plan`. */
export interface Limits {
  /** T: tokens of one step. */
  maxTokens: number;
  /** S: sequences of one step. */
  maxSequences: number;
  /** R: logit rows of one step. */
  maxLogitRows: number;
  /** KV blocks of each paged or cross state, slots of each slot state, by state name. */
  blocks: { [state: string]: number };
  /** What weights are held as: one type for all matrices, or an entry for each of `Model.weights`. */
  weights: WeightsLimit;
  /**
   * Type that values between ops are rounded to, logits too, and vectors (norms, biases): "bfloat16" is what transformers does with bfloat16 weights.
   */
  activation: "float32" | "bfloat16";
  /** int8: of each token and head, the greatest magnitude stands for 127. */
  cache: "float32" | "bfloat16" | "int8";
  /** Extra program outputs that will be read. */
  taps: readonly string[];
}

/**
 * Low-rank changes of a checkpoint's matrices (LoRA, https://arxiv.org/abs/2106.09685): to what the matrix of a module gives
 * for x, scale × up · down · x is added.
 */
export interface Adapter {
  source: WeightSource;
  /** Names of modules as the checkpoint has them, and of the adapter's tensors: `down` [rank, inputs], `up` [outputs, rank]. */
  changes: readonly { module: string; down: string; up: string; scale: number }[];
}

/** Bytes a session will take, by what takes them. */
export interface MemoryPlan {
  weights: number;
  cache: number;
  workspace: number;
  total: number;
}

/** Bytes that a session takes now. Memory of the cache and the workspace is taken as it is first needed, not when loading. */
export interface MemoryUse extends MemoryPlan {
  /** The most that the session has taken at once. */
  peak: number;
  /** What it may take at most: arithmetic, known before loading. */
  planned: MemoryPlan;
}

/**
 * Tables of one state: block ids. Steps of `encode` have no blocks of paged states. A slot state has one entry for each
 * sequence: the slot that the step reads (zeros when it begins at position 0) and writes.
 */
export interface BatchState {
  /** [S + 1] first entry of each sequence in `table`. */
  tableStart: Int32Array;
  /** Block ids in order of position; −1 where the block was freed behind the window. */
  table: Int32Array;
  /** [S] tokens of the sequence after this step; of a cross state, of the encoder's input. */
  length: Int32Array;
}

/** One step's work: T tokens from S sequences, ragged. */
export interface Batch {
  /**
   * [T] A negative id −1 − g stands for a token that is not known yet: pick g of the decode step before, in the order of its
   * groups.
   */
  tokenIds: Int32Array;
  /** [T] index in the sequence, padding not counted. */
  positions: Int32Array;
  /** [S + 1] */
  sequenceStart: Int32Array;
  /** [S] token t rotates with length max(promptLength, t + 1) under dynamic RoPE. */
  promptLength: Int32Array;
  /** [S] tokens by which the longest row of a call is ahead: added to that length, as transformers lets it decide. Default 0. */
  rotaryLead?: Int32Array;
  /** [S] pads in front of the sequence, where transformers' model counts them as positions (Llama 4); absent: none. */
  padding?: Int32Array;
  /**
   * [S] the adapter that the rows of each sequence go through, −1 for none; absent: none do. Any other number is refused with
   * `batch_invalid`: no session can load one yet.
   */
  adapter?: Int32Array;
  /** [R] ascending indices into T. */
  logitRows: Int32Array;
  /** One per `Model.states`, in order. */
  states: readonly BatchState[];
  /** Copies of whole blocks, done before anything else (copy-on-write). */
  copies: readonly { state: number; from: number; to: number }[];
}

/** Handle of a queued step; valid until `release`. */
export type Step = number;

/** A model ready to run on a device. Steps run in the order they were queued. */
export interface Session {
  /** Tokens in one KV block. */
  readonly blockTokens: number;
  /**
   * Copies the batch, queues the step and returns at once. A failure rejects `sample` and `read`. `program` "encode": whole
   * inputs of the encoder, which fill the cross states. Default "decode". `reads`: outputs beside "logits" and `limits.taps`
   * that may be read of this step, so that a backend that can give more need not keep the others; absent: all it can give.
   * Token ids that are picks of the step before need `sample` of that step to have been called: its first call counts. When
   * that call fails, so does this step, and may then be queued again with tokens that are known.
   */
  run(batch: Batch, program?: ProgramName, reads?: readonly string[]): Step;
  /** Picks tokens from the step's logits. `group.rows` index into the batch's logitRows. Without groups it waits for the step. */
  sample(step: Step, groups: readonly SamplingGroup[]): Promise<SamplingPicks[]>;
  /** Reads rows of a program output ("logits", "hidden", a tap): rows.length × width values. */
  read(step: Step, output: string, rows: readonly number[]): Promise<Float32Array>;
  /** Frees what the step holds. Call once per step, after `sample` and `read`. */
  release(step: Step): void;
  /**
   * Loads an adapter beside the weights, and gives the number that `Batch.adapter` names it by. No backend can do this yet:
   * rejects with `unsupported_option`.
   */
  loadAdapter(adapter: Adapter): Promise<number>;
  memory(): MemoryUse;
  /** Gives idle memory of the cache back, where that can be done. Only while no sequence has tokens in it. */
  trim?(): void;
  /** Waits for the queue, then frees everything. */
  dispose(): Promise<void>;
}

/** How a session is prepared. Nothing here changes what it computes. */
export interface PrepareOptions {
  /** Called while weights are read: bytes of the checkpoint. */
  onProgress?: (progress: { loadedBytes: number; totalBytes: number }) => void;
  /** Ends the loading, which then rejects. */
  signal?: AbortSignal;
  /** Threads the cpu backend may use. Default: physical cores. */
  threads?: number;
}

/** Memory that may still be taken. */
export interface AvailableMemory {
  bytes: number;
  /** What sets the limit, in words: "of 24.7 GB of this machine". */
  of: string;
}

/** A kind of device that models run on. */
export interface Backend {
  /** The name that `device` has for it. */
  readonly name: string;
  readonly blockTokens: number;
  /** Whether every output of a program can be read, and the shares of its attention, not only logits and `limits.taps`. */
  readonly keepsOutputs: boolean;
  /** Memory that sessions can still take; absent: nothing is known of it. */
  availableMemory?(): AvailableMemory;
  /** Whether `PrepareOptions.threads` says something to it. */
  readonly usesThreads: boolean;
  /** Arithmetic only; throws where the model or the limits cannot be served. */
  plan(model: Model, source: WeightSource, limits: Limits): MemoryPlan;
  prepare(model: Model, source: WeightSource, limits: Limits, options?: PrepareOptions): Promise<Session>;
}
