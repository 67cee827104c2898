export type { Checkpoint, CheckpointTensors, FileRange, TensorInfo } from "./checkpoint.ts";
export { filesIn, openCheckpoint, openIndexed, openSafetensors } from "./file-reader.ts";
export { parseHeader } from "./safetensors.ts";
