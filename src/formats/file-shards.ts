import { join } from "node:path";
import { TsumugiError } from "../errors.ts";
import type { TensorInfo } from "../tensor/tensor-info.ts";
import { writeWhole } from "./file-folder.ts";
import { headerOf, orderForFile, type SavedTensor, shardsOf } from "./safetensors-output.ts";

/** How tensors are written. */
export interface SaveOptions {
  /** Bytes of tensors in one file at most; a larger tensor has a file of its own. Default 5 GB, as in transformers. */
  maxShardBytes?: number | undefined;
  onProgress?: ((done: { writtenBytes: number; totalBytes: number }) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Writes tensors as model.safetensors, or as shards with their index, into a folder. One tensor is in memory at a time.
 *
 * @param read gives the bytes of a tensor, as many as its shape and type say
 */
export async function writeSafetensors(
  folder: string,
  tensors: readonly SavedTensor[],
  read: (tensor: TensorInfo) => Promise<Uint8Array>,
  { maxShardBytes = 5e9, onProgress, signal }: SaveOptions = {},
): Promise<void> {
  const shards = shardsOf(tensors, maxShardBytes);
  const totalBytes = tensors.reduce((sum, { bytes }) => sum + bytes, 0);
  const nameOf = (index: number) =>
    shards.length === 1
      ? "model.safetensors"
      : `model-${String(index + 1).padStart(5, "0")}-of-${String(shards.length).padStart(5, "0")}.safetensors`;
  let writtenBytes = 0;
  const weightMap: Record<string, string> = {};
  for (const [index, shard] of shards.entries()) {
    const ordered = orderForFile(shard);
    await writeWhole(join(folder, nameOf(index)), parts(ordered));
    for (const { name } of ordered) weightMap[name] = nameOf(index);
  }
  if (shards.length > 1) {
    const sorted = Object.fromEntries(Object.entries(weightMap).sort(([a], [b]) => (a < b ? -1 : 1)));
    const text = `${JSON.stringify({ metadata: { total_size: totalBytes }, weight_map: sorted }, undefined, 2)}\n`;
    await writeWhole(join(folder, "model.safetensors.index.json"), [new TextEncoder().encode(text)]);
  }

  async function* parts(ordered: readonly SavedTensor[]): AsyncGenerator<Uint8Array> {
    yield headerOf(ordered);
    for (const tensor of ordered) {
      if (signal?.aborted) throw new TsumugiError("aborted");
      yield await read(tensor);
      writtenBytes += tensor.bytes;
      onProgress?.({ writtenBytes, totalBytes });
    }
  }
}
