import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { TsumugiError } from "../errors.ts";
import { writeWhole } from "./file-folder.ts";
import { headerOf, orderForFile, type SavedTensor, shardsOf, type TensorGroup } from "./safetensors-output.ts";

/** How tensors are written. */
export interface SaveOptions {
  /** Bytes of tensors in one file at most; a larger tensor has a file of its own. Default 5 GB, as in transformers. */
  maxShardBytes?: number | undefined;
  onProgress?: ((done: { writtenBytes: number; totalBytes: number }) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** Writes tensors as model.safetensors, or as shards with their index, into a folder. One group is in memory at a time. */
export async function writeSafetensors(
  folder: string,
  groups: readonly TensorGroup[],
  { maxShardBytes = 5e9, onProgress, signal }: SaveOptions = {},
): Promise<void> {
  const shards = shardsOf(groups, maxShardBytes);
  const totalBytes = groups.flatMap(({ tensors }) => tensors).reduce((sum, { bytes }) => sum + bytes, 0);
  const number = (count: number) => String(count).padStart(5, "0");
  const nameOf = (index: number) =>
    shards.length === 1 ? "model.safetensors" : `model-${number(index + 1)}-of-${number(shards.length)}.safetensors`;
  let writtenBytes = 0;
  const weightMap: [string, string][] = [];
  for (const [index, shard] of shards.entries()) {
    const ordered = orderForFile(shard.flatMap(({ tensors }) => tensors));
    const header = headerOf(ordered);
    const places = placesOf(ordered, header.length);
    const handle = await open(join(folder, nameOf(index)), "wx");
    try {
      await writeAt(handle, header, 0);
      for (const { tensors, make } of shard) {
        if (signal?.aborted) throw new TsumugiError("aborted");
        const made = await make();
        for (const [at, tensor] of tensors.entries()) {
          if (made[at]!.length !== tensor.bytes) throw new TsumugiError("internal", { what: `the size of ${tensor.name}` });
          await writeAt(handle, made[at]!, places.get(tensor.name)!);
          writtenBytes += tensor.bytes;
        }
        onProgress?.({ writtenBytes, totalBytes });
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    for (const { name } of ordered) weightMap.push([name, nameOf(index)]);
  }
  if (shards.length === 1) return;
  const sorted = Object.fromEntries(weightMap.sort(([a], [b]) => (a < b ? -1 : 1)));
  const text = `${JSON.stringify({ metadata: { total_size: totalBytes }, weight_map: sorted }, undefined, 2)}\n`;
  await writeWhole(join(folder, "model.safetensors.index.json"), [new TextEncoder().encode(text)]);
}

function placesOf(ordered: readonly SavedTensor[], start: number): Map<string, number> {
  let at = start;
  return new Map(
    ordered.map(({ name, bytes }) => {
      at += bytes;
      return [name, at - bytes];
    }),
  );
}

async function writeAt(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, Math.min(bytes.length - done, 1 << 26), position + done);
    done += bytesWritten;
  }
}
