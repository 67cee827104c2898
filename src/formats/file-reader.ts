import { type FileHandle, open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { TsumugiError } from "../errors.ts";
import { foreignFileBytes } from "../util/foreign-file.ts";
import type { Checkpoint, TensorInfo } from "./checkpoint.ts";
import { inOrder, type LocatedTensor, readHeader } from "./safetensors.ts";
import { parseIndex } from "./safetensors-index.ts";
import { describeOtherWeights, findWeightFiles, weightNames } from "./weight-files.ts";

/**
 * Opens the safetensors checkpoint of a local directory: `model.safetensors`, or else the shards that
 * `model.safetensors.index.json` names.
 *
 * @throws TsumugiError `checkpoint_missing`, `file_unreadable`, and the `safetensors_*` codes.
 * @example
 * ```ts
 * const checkpoint = await openCheckpoint("models/tsumugi-mini");
 * console.log(checkpoint.tensors().length);
 * await checkpoint.close();
 * ```
 */
export async function openCheckpoint(directory: string): Promise<Checkpoint> {
  const there = await Promise.all(weightNames.map((name) => exists(join(directory, name))));
  const { weights } = findWeightFiles(weightNames.filter((_, index) => there[index]));
  if (weights === undefined) {
    const found = describeOtherWeights(await filesIn(directory), directory);
    throw new TsumugiError("checkpoint_missing", { directory, found });
  }
  const file = join(directory, weights);
  return weights === "model.safetensors" ? openSafetensors([file]) : openIndexed(file);
}

/**
 * Opens the shards that an index file names, beside it or in folders there. Whatever they hold is there; of a tensor that two
 * of them hold the last counts, as in transformers.
 */
export async function openIndexed(index: string): Promise<Checkpoint> {
  const { shards, dtype } = parseIndex(await readIndex(index), index);
  const directory = join(index, "..");
  for (const shard of shards) {
    if (await exists(join(directory, shard))) continue;
    const reason = `${shard} is not there: download it, and every other file that \`weight_map\` names`;
    throw new TsumugiError("safetensors_index", { file: index, reason });
  }
  return checkpoint(await openAll(shards.map((shard) => join(directory, shard))), dtype);
}

/**
 * Opens safetensors files as one checkpoint. Only headers are read.
 *
 * @throws TsumugiError `file_unreadable`, `safetensors_*`; `safetensors_duplicate_key` for a tensor that two files hold.
 */
export async function openSafetensors(paths: readonly string[]): Promise<Checkpoint> {
  const files = await openAll(paths);
  const seen = new Set<string>();
  for (const { path, tensors } of files) {
    for (const name of tensors.keys()) {
      if (seen.has(name)) {
        await closeAll(files);
        throw new TsumugiError("safetensors_duplicate_key", { file: path, key: name });
      }
      seen.add(name);
    }
  }
  return checkpoint(files);
}

interface OpenFile {
  path: string;
  handle: FileHandle;
  tensors: Map<string, LocatedTensor>;
}

interface Placed {
  file: OpenFile;
  tensor: LocatedTensor;
}

function checkpoint(files: readonly OpenFile[], declaredDtype?: string): Checkpoint {
  const located = new Map<string, Placed>();
  for (const file of files) for (const tensor of inOrder(file.tensors)) located.set(tensor.name, { file, tensor });
  const infos = [...located.values()].map(
    ({ tensor: { name, dtype, shape, bytes } }): TensorInfo => ({ name, dtype, shape, bytes }),
  );
  let open = true;
  const find = (name: string): Placed => {
    const placed = located.get(name);
    if (!placed) throw new TsumugiError("tensor_missing", { name });
    return placed;
  };
  return {
    ...(declaredDtype !== undefined && { declaredDtype }),
    tensors: () => infos,
    locate(name) {
      const { file, tensor } = find(name);
      return { file: file.path, offset: tensor.offset, bytes: tensor.bytes };
    },
    async read(name) {
      const { file, tensor } = find(name);
      if (!open) throw new TsumugiError("disposed", { what: "The checkpoint" });
      return readRange(file.handle, file.path, tensor.offset, tensor.bytes);
    },
    async close() {
      if (!open) return;
      open = false;
      await closeAll(files);
    },
  };
}

async function openAll(paths: readonly string[]): Promise<OpenFile[]> {
  const files: OpenFile[] = [];
  try {
    for (const path of paths) files.push(await openFile(path));
    return files;
  } catch (error) {
    await closeAll(files);
    throw error;
  }
}

async function openFile(path: string): Promise<OpenFile> {
  const handle = await open(path, "r").catch((cause: unknown) => unreadable(path, cause));
  try {
    const { size } = await handle.stat();
    const start = await readRange(handle, path, 0, Math.min(size, foreignFileBytes));
    const tensors = await readHeader(path, start, size, (offset, bytes) => readRange(handle, path, offset, bytes));
    return { path, handle, tensors };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function readRange(handle: FileHandle, path: string, offset: number, bytes: number): Promise<Uint8Array> {
  const data = new Uint8Array(bytes);
  for (let done = 0; done < bytes; ) {
    const length = Math.min(bytes - done, 1 << 30);
    const { bytesRead } = await handle
      .read(data, done, length, offset + done)
      .catch((cause: unknown) => unreadable(path, cause));
    if (bytesRead === 0) unreadable(path, new Error("the file became shorter while it was read"));
    done += bytesRead;
  }
  return data;
}

/** Bytes of an index at most: the largest published ones, of a hundred thousand tensors, have ten megabytes. */
const longestIndex = 500_000_000;

async function readIndex(path: string): Promise<Uint8Array> {
  const handle = await open(path, "r").catch((cause: unknown) => unreadable(path, cause));
  try {
    const { size } = await handle.stat();
    if (size > longestIndex) {
      const reason = `an index may have at most ${longestIndex} bytes, and this one has ${size}: is it another file?`;
      throw new TsumugiError("safetensors_index", { file: path, reason });
    }
    return await readRange(handle, path, 0, size);
  } finally {
    await handle.close();
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    (info) => info.isFile(),
    () => false,
  );
}

/** Names of files in a folder and in the folders inside it (100 at most), for a message. */
export async function filesIn(directory: string): Promise<string[]> {
  const list = (folder: string) => readdir(folder, { withFileTypes: true }).catch(() => []);
  const entries = await list(directory);
  const folders = entries.filter((entry) => entry.isDirectory()).slice(0, 100);
  const inner = await Promise.all(
    folders.map(async ({ name }) => (await list(join(directory, name))).map((entry) => `${name}/${entry.name}`)),
  );
  return [...entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name), ...inner.flat()].sort();
}

async function closeAll(files: readonly OpenFile[]): Promise<void> {
  await Promise.all(files.map(({ handle }) => handle.close()));
}

function unreadable(file: string, cause: unknown): never {
  throw new TsumugiError("file_unreadable", { file, reason: (cause as Error).message }, { cause });
}
