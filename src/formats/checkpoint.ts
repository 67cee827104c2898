import type { FileRange, TensorInfo } from "../tensor/tensor-info.ts";

export type { FileRange, TensorInfo };

/** What the model loader needs of a checkpoint. */
export interface CheckpointTensors {
  /** All tensors, file by file, those of a file by name: the order in which transformers looks for the type of the weights. */
  tensors(): readonly TensorInfo[];
  /** The tensor's data, little-endian, row-major. */
  read?(tensor: string): Promise<Uint8Array>;
}

/**
 * An open checkpoint. It serves backends as their `WeightSource`.
 *
 * Only headers have been read. Node cannot map files into memory, so native backends read the ranges of `locate` themselves,
 * and others call `read` for one tensor at a time. The file is never in memory as a whole.
 */
export interface Checkpoint extends CheckpointTensors {
  /** The type that the index of shards says the weights have, where it says one. */
  declaredDtype?: string;
  /** Where the tensor's data is. Throws `tensor_missing`. */
  locate(tensor: string): FileRange | Uint8Array;
  /** Reads the tensor's data. Throws `tensor_missing`, `disposed`, `file_unreadable`. */
  read(tensor: string): Promise<Uint8Array>;
  /** Closes the files. */
  close(): Promise<void>;
}
