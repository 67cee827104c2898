import { type FileHandle, open } from "node:fs/promises";
import { TsumugiError } from "../errors.ts";
import { dtypeBytes, elementCount } from "../tensor/dtype.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { readPickle } from "./pytorch/pickle.ts";
import { gather, isContiguous, readState, type TorchTensor } from "./pytorch/state.ts";
import { contentOf, type ReadRange, readZip } from "./pytorch/zip.ts";

/** Bytes of a pickle at most: names and shapes of a hundred thousand tensors have twenty megabytes. */
const longestPickle = 256_000_000;

interface Placed {
  tensor: TorchTensor;
  handle: FileHandle;
  path: string;
  /** Where the storage begins in the file. */
  start: number;
}

/** Tensors that are one and the same: views of the same values. */
export interface PytorchCheckpoint extends Checkpoint {
  /** By name, the first name of the same values; those without another name are left out. */
  sameAs: ReadonlyMap<string, string>;
}

/**
 * Opens files of torch.save as one checkpoint: zip archives, and the older form without. Pickles are read as data, by a list of
 * the few names that weights have; nothing in them is executed.
 *
 * @throws `pickle_refused`, `pytorch_invalid`, `file_unreadable`
 */
export async function openPytorch(paths: readonly string[]): Promise<PytorchCheckpoint> {
  const placed = new Map<string, Placed>();
  const sameAs = new Map<string, string>();
  const handles: FileHandle[] = [];
  const close = async () => {
    await Promise.all(handles.splice(0).map((handle) => handle.close()));
  };
  try {
    for (const path of paths) {
      const handle = await open(path, "r").catch((cause: Error) => unreadable(path, cause));
      handles.push(handle);
      const views = new Map<string, string>();
      for (const [name, { tensor, start }] of await readTensors(handle, path)) {
        placed.set(name, { tensor, handle, path, start });
        const view = JSON.stringify(tensor);
        const first = views.get(view);
        if (first === undefined) views.set(view, name);
        else sameAs.set(name, first);
      }
    }
  } catch (error) {
    await close();
    throw error;
  }
  const find = (name: string): Placed => {
    const found = placed.get(name);
    if (!found) throw new TsumugiError("tensor_missing", { name });
    return found;
  };
  const read = async (name: string) => {
    const { tensor, handle, path, start } = find(name);
    const size = dtypeBytes(tensor.dtype);
    const count = elementCount(tensor.shape);
    if (count === 0) return new Uint8Array();
    const whole = isContiguous(tensor);
    const span = whole ? count : tensor.shape.reduce((sum, length, axis) => sum + (length - 1) * tensor.stride[axis]!, 1);
    const bytes = await rangeOf(handle, path)(start + tensor.offset * size, span * size);
    return whole ? bytes : gather(bytes, tensor);
  };
  const infos = [...placed].map(
    ([
      name,
      {
        tensor: { dtype, shape },
      },
    ]) => ({
      name,
      dtype,
      shape,
      bytes: elementCount(shape) * dtypeBytes(dtype),
    }),
  );
  const locate = (name: string): never => {
    find(name);
    throw new TsumugiError("internal", { what: "tensors of a pickle are read, not located" });
  };
  return { tensors: () => infos, locate, read, close, sameAs };
}

type Tensors = Iterable<[string, { tensor: TorchTensor; start: number }]>;

async function readTensors(handle: FileHandle, path: string): Promise<Tensors> {
  const { size } = await handle.stat();
  const read = rangeOf(handle, path);
  const start = await read(0, Math.min(4, size));
  return start[0] === 0x50 && start[1] === 0x4b ? readArchive(read, size, path) : readOld(read, size, path);
}

async function readArchive(read: ReadRange, size: number, path: string): Promise<Tensors> {
  const entries = await readZip(read, size, path);
  const pickle = [...entries.keys()].find((name) => name.endsWith("/data.pkl") || name === "data.pkl");
  if (pickle === undefined) throw new TsumugiError("pytorch_invalid", { file: path, reason: "it has no data.pkl" });
  const folder = pickle.slice(0, -"data.pkl".length);
  const content = async (name: string, longest = Number.POSITIVE_INFINITY) => {
    const entry = entries.get(name);
    if (!entry) throw new TsumugiError("pytorch_invalid", { file: path, reason: `it has no ${name}` });
    if (entry.bytes > longest) throw new TsumugiError("pytorch_invalid", { file: path, reason: `${name} is too long` });
    return contentOf(read, entry, size, path);
  };
  if (entries.has(`${folder}byteorder`)) {
    const place = await content(`${folder}byteorder`, 16);
    const order = new TextDecoder().decode(await read(place.offset, place.bytes)).trim();
    if (order !== "little")
      throw new TsumugiError("pytorch_invalid", { file: path, reason: `its numbers are ${order}-endian` });
  }
  const place = await content(pickle, longestPickle);
  const { tensors, storages } = readState(await read(place.offset, place.bytes), path);
  const starts = new Map<string, number>();
  for (const { key, dtype, count } of storages.values()) {
    const { offset, bytes } = await content(`${folder}data/${key}`);
    if (bytes < count * dtypeBytes(dtype)) {
      throw new TsumugiError("pytorch_invalid", { file: path, reason: `storage ${key} is shorter than its tensors` });
    }
    starts.set(key, offset);
  }
  return [...tensors].map(([name, tensor]) => [name, { tensor, start: starts.get(tensor.storage)! }]);
}

/** What torch.save wrote before version 1.6: a number, versions, the state, the keys of storages; then their values. */
async function readOld(read: ReadRange, size: number, path: string): Promise<Tensors> {
  const bytes = await read(0, Math.min(size, longestPickle));
  const nothing = { knows: () => false, call: () => undefined, persistent: (id: unknown) => id };
  const magic = readPickle(bytes, nothing, path);
  const isNumber = typeof magic.value === "bigint" || Number.isSafeInteger(magic.value);
  if (!isNumber || BigInt(magic.value as bigint | number) !== 0x1950a86a20f9469cfc6cn) {
    throw new TsumugiError("pytorch_invalid", { file: path, reason: "it is no file of torch.save" });
  }
  const protocol = readPickle(bytes, nothing, path, magic.end);
  const system = readPickle(bytes, nothing, path, protocol.end);
  const state = readState(bytes, path, system.end);
  const keys = readPickle(bytes, nothing, path, state.end);
  let at = keys.end;
  const starts = new Map<string, number>();
  for (const key of Array.isArray(keys.value) ? keys.value : []) {
    const storage = state.storages.get(String(key));
    if (at + 8 > size) break;
    const count = Number(new DataView((await read(at, 8)).buffer).getBigInt64(0, true));
    if (storage && count < storage.count) break;
    starts.set(String(key), at + 8);
    at += 8 + count * (storage ? dtypeBytes(storage.dtype) : 0);
    if (!storage) break;
  }
  return [...state.tensors].map(([name, tensor]) => {
    const start = starts.get(tensor.storage);
    const storage = state.storages.get(tensor.storage)!;
    if (start === undefined || start + storage.count * dtypeBytes(storage.dtype) > size) {
      throw new TsumugiError("pytorch_invalid", { file: path, reason: `the values of ${name} are missing: it is cut off` });
    }
    return [name, { tensor, start }];
  });
}

function rangeOf(handle: FileHandle, path: string): ReadRange {
  return async (offset, bytes) => {
    const data = new Uint8Array(bytes);
    for (let done = 0; done < bytes; ) {
      const { bytesRead } = await handle
        .read(data, done, Math.min(bytes - done, 1 << 30), offset + done)
        .catch((cause: Error) => unreadable(path, cause));
      if (bytesRead === 0) unreadable(path, new Error("it ends too early"));
      done += bytesRead;
    }
    return data;
  };
}

function unreadable(file: string, cause: Error): never {
  throw new TsumugiError("file_unreadable", { file, reason: cause.message }, { cause });
}
