import type { DType } from "./dtype.ts";

/** A tensor of a checkpoint, as its header describes it. */
export interface TensorInfo {
  name: string;
  dtype: DType;
  shape: readonly number[];
  /** Size of its data. */
  bytes: number;
}

/** A range of a file on disk. */
export interface FileRange {
  file: string;
  offset: number;
  bytes: number;
}
