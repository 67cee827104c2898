import type { TensorStorage } from "../tensor/storage.ts";

/**
 * The model as plain data: what a model file builds, and what a backend plans, prepares and runs.
 *
 * There is no closure, buffer or device in it. Sizes that change from step to step are letters:
 * T tokens of the batch, S sequences, R rows whose logits are wanted.
 */
export type Dimension = number | "T" | "S" | "R";

/** "activation" is what `limits.activation` says; "float32" and "int32" are fixed. */
export type ValueType = "activation" | "float32" | "int32";

/** A value of a program. It is assigned once, by the op that lists it in `outputs`. */
export interface ProgramValue {
  /** e.g. ["T", 2048]; heads are folded into the last dimension: [tokens, heads * headDim]. */
  shape: Dimension[];
  type: ValueType;
}

export type AttributeValue = number | string | boolean | readonly number[] | undefined;
export type Attributes = { readonly [name: string]: AttributeValue };

/** Which parts of which state an op works on, by index into `Model.states` and its `parts`. */
export interface StateReference {
  state: number;
  parts: readonly number[];
}

/** Rows start..end (exclusive) of a module's weight, counted by what they give: columns of a weight stored [in, out]. */
export type RowRun = readonly [start: number, end: number];

/**
 * What of its module an op's matmul weight is, where it is not the whole `<module>.weight`: some runs of its rows (a fused
 * projection), in the order in which they stand in the weight, or the matrices of several experts.
 */
export type ModulePart =
  | {
      /** What the rows are, e.g. "query". */
      name: string;
      rows: readonly RowRun[];
    }
  | {
      /** Experts first..end (exclusive). Checkpoints hold each as modules of its own in `module`, `<module>.<expert>.…`, … */
      experts: readonly [first: number, end: number];
      /** … or all of them as parameters of this module, which is how transformers 5 names them. */
      stacked: string;
    };

export interface ProgramOp {
  /** Name in the op registry (ops/index.ts). */
  op: string;
  /**
   * The checkpoint's module path, e.g. "model.layers.0.self_attn.q_proj": the module whose weight the op multiplies by, or
   * the module in which the op stands when it has no matrix. Skip lists and adapters bind to it. A tied head keeps its own
   * name, though its tensor is the embedding's.
   */
  module: string;
  /** Which part of the module the op is; absent: all of it. */
  part?: ModulePart;
  /** The layer of its stack that the op belongs to, from 0; absent: it stands before, behind or beside the layers. */
  layer?: number;
  /** Indices into `Program.values`. */
  inputs: readonly number[];
  outputs: readonly number[];
  /** Indices into `Model.weights`; −1 for an optional weight that is absent. */
  weights: readonly number[];
  state?: StateReference;
  attributes: Attributes;
}

export interface Program {
  values: ProgramValue[];
  ops: ProgramOp[];
  /** Named values a caller can read. `logits` is [R, vocabulary] float32; `hidden` is [T, hidden] after the last norm. */
  outputs: { logits: number; hidden: number; [tap: string]: number };
  /**
   * Named `attend` ops whose shares a caller can read too (index into `ops`): [T, heads · K], K being the most positions that
   * a token of the step attends to, counted from position 0.
   */
  attentions?: { readonly [name: string]: number };
}

/** The encoder of an encoder-decoder model: it runs once over a whole input, and writes the cross states. */
export interface EncodeProgram extends Omit<Program, "outputs"> {
  outputs: { hidden: number; [tap: string]: number };
}

/** Which program of a model a step runs. */
export type ProgramName = "decode" | "encode";

/**
 * A low-rank change of a stored matrix: scale · up · down is added to it while it is read. The tensors are of the checkpoint.
 * Source: Hu et al. 2021, "LoRA".
 */
export interface LowRankChange {
  /** [rank, inputs] */
  down: string;
  /** [outputs, rank] */
  up: string;
  scale: number;
  /** The stored matrix is [inputs, outputs]. Default: [outputs, inputs]. */
  exchanged?: boolean;
  /** [outputs] The length that what makes each output then has. Source: Liu et al. 2024, "DoRA". */
  magnitude?: string;
}

/** Where (part of) a weight comes from: a checkpoint tensor, then one matrix of it, its slice, its transposition. */
export interface WeightOrigin {
  tensor: string;
  /** One entry of the tensor's first axis: one expert's matrix of [experts, rows, columns]. Taken first. */
  index?: number;
  /**
   * How the checkpoint holds the tensor's values, where it does not as plain numbers: then `tensor` only says what the plain
   * one would be called, and the storage names those that are there. Model files never say it; it is found when the model is bound to a checkpoint.
   */
  storage?: TensorStorage;
  /** A change of the tensor's matrix by an adapter. Model files never say it, either. Only of plain numbers, and of a whole tensor. */
  change?: LowRankChange;
  /** Elements start..end (exclusive) of one axis of the tensor as stored. */
  slice?: { axis: number; start: number; end: number };
  /** True for a 2-D tensor stored [in, out] (GPT-2's Conv1D). Applied after the slice. */
  transpose?: boolean;
}

/**
 * What ops do with a weight: a matmul's matrix [out, in] or a stack of them [count, out, in], rows gathered by index, or a
 * plain float32 vector.
 */
export type WeightUse = "matmul" | "gather" | "vector";

export interface Weight {
  /**
   * A name of its own: the module's parameter, e.g. "model.layers.0.self_attn.q_proj.weight", or of a part of it
   * "model.layers.0.self_attn.qkv_proj.query.weight".
   */
  name: string;
  /** Shape after slice, transpose and join. */
  shape: readonly number[];
  from: readonly WeightOrigin[];
  /**
   * How several origins become one: along the first axis, or as a new first axis (more origins than it has entries: equal
   * runs of them are concatenated, then stacked).
   */
  join?: "concat" | "stack";
  /** Other layouts of checkpoints: what `from` may be instead when a tensor of it is not there. Empty once bound. */
  alternatives?: readonly (readonly WeightOrigin[])[];
  /** "float32": never rounded, whatever `limits` says. Only of vectors. */
  type?: "float32";
  /** Every use of this weight; one copy in memory serves them all (a tied head is one weight with two uses). */
  uses: readonly WeightUse[];
}

/** One tensor of a state: a layer's keys, a layer's values. `shape` is per token; of a "slot" state, per sequence. */
export interface StatePart {
  name: string;
  shape: readonly number[];
  /** "cache" is `limits.cache` (float32 or bfloat16). */
  type: "cache" | "float32";
}

/**
 * A family of caches addressed by one id: every layer with the same window is a part of one paged state. A cross state is
 * written by `encode`, the whole input in one step, and then only read; forks share it. A slot state is what a sequence
 * carries from token to token (convolutions, recurrences): every step reads and writes it.
 */
export interface State {
  name: string;
  kind: "paged" | "cross" | "slot";
  /** Sliding window in tokens, the token itself included. Blocks wholly behind it are freed. */
  window?: number;
  parts: StatePart[];
}

export interface Model {
  /** `model_type` of config.json. */
  modelType: string;
  vocabularySize: number;
  hiddenSize: number;
  /** `max_position_embeddings` or its like. */
  maxPositions: number;
  /** True when positions beyond `maxPositions` cannot be computed at all (learned position embeddings). */
  positionsAreBounded: boolean;
  programs: { decode: Program; encode?: EncodeProgram };
  weights: Weight[];
  states: State[];
  /** Values of [tokens, hiddenSize] that go from layer to layer, when it is more than one. */
  streams?: number;
  /** Context length at which the rotary table changes (longrope): crossing it recomputes the sequence. */
  rotarySwitch?: number;
}
