import type { FloatDType } from "../tensor/dtype.ts";
import type { Attributes, Dimension } from "./program.ts";

/** A tensor as a reference implementation sees it: float32 values, row-major. */
export interface ReferenceTensor {
  shape: readonly number[];
  data: Float32Array;
  /** Type that matrices of the checkpoint are held in; absent: float32. */
  storage?: FloatDType;
}

/** Ragged batch fields that ops may read; the same arrays as `Batch` in backends/backend.ts. */
export interface ReferenceBatch {
  /** [T] token ids. */
  tokenIds: Int32Array;
  /** [T] index of the token in its sequence, padding not counted. */
  positions: Int32Array;
  /** [S + 1] first row of each sequence. */
  sequenceStart: Int32Array;
  /** [S] prompt length (dynamic RoPE). */
  promptLength: Int32Array;
  /** [S] added to the length that a token rotates with. Default 0. */
  rotaryLead?: Int32Array;
  /** [S] pads in front of the sequence, for ops that count them as positions; absent: none. */
  padding?: Int32Array;
  /** [R] ascending rows whose logits are wanted. */
  logitRows: Int32Array;
}

/**
 * Rows of one part of a state, addressed by sequence of the batch and position. A slot state has one row of a sequence, at
 * position 0: `read` gives it as it was before the step (zeros at the start of a sequence).
 */
export interface ReferenceStatePart {
  /** Values per token. */
  width: number;
  /** Stores one token's values (rounded to the cache's type). */
  write(sequence: number, position: number, values: Float32Array): void;
  /** A copy or view of one token's values; the position must have been written and not freed. */
  read(sequence: number, position: number): Float32Array;
  /** Tokens of the sequence after this step; of a cross state, of the encoder's input. */
  length(sequence: number): number;
}

/** What a reference implementation is given. Inputs and outputs have their first dimension resolved. */
export interface ReferenceContext {
  inputs: readonly ReferenceTensor[];
  outputs: readonly ReferenceTensor[];
  /** undefined for an absent optional weight. */
  weights: readonly (ReferenceTensor | undefined)[];
  state: readonly ReferenceStatePart[];
  attributes: Attributes;
  batch: ReferenceBatch;
  /** Rounds a number inside an op to the type of activations; outputs are rounded after it. */
  round(value: number): number;
  /** Whether `round` does anything. */
  narrow: boolean;
  /** Of `attend`: told for each token's row and each head which share each position from `first` on has in the answer. */
  onShares?: (row: number, head: number, first: number, shares: Float32Array) => void;
}

/**
 * An op: its name, its shape rule, and a slow, plain TypeScript reference that is the oracle for every kernel.
 */
export interface OpDefinition {
  name: string;
  /** Output shapes from input shapes, weight shapes and attributes; throws TsumugiError on a mismatch. */
  shapes(
    inputs: readonly (readonly Dimension[])[],
    weights: readonly (readonly number[] | undefined)[],
    attributes: Attributes,
  ): Dimension[][];
  /** Fills `outputs` (or the state). */
  reference(context: ReferenceContext): void;
}
