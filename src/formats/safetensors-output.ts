import { type DType, dtypeBytes, elementCount } from "../tensor/dtype.ts";
import type { TensorInfo } from "../tensor/tensor-info.ts";
import { dtypeNames } from "./safetensors.ts";

/** A tensor that will be written: its bytes are those that shape and type say. */
export type SavedTensor = TensorInfo;

export function savedTensor(name: string, dtype: DType, shape: readonly number[]): SavedTensor {
  return { name, dtype, shape: [...shape], bytes: elementCount(shape) * dtypeBytes(dtype) };
}

/** Tensors whose bytes are made together: those of a quantised matrix, or one alone. */
export interface TensorGroup {
  tensors: readonly SavedTensor[];
  /** Their bytes, in the same order. */
  make(): Promise<readonly Uint8Array[]>;
}

/** A tensor alone. */
export function oneTensor(tensor: SavedTensor, read: () => Promise<Uint8Array>): TensorGroup {
  return { tensors: [tensor], make: async () => [await read()] };
}

/** Cuts a list into files of at most so many bytes, in order. */
export function shardsOf(groups: readonly TensorGroup[], maxBytes: number): TensorGroup[][] {
  const shards: TensorGroup[][] = [[]];
  let bytes = 0;
  for (const group of groups) {
    const more = group.tensors.reduce((sum, tensor) => sum + tensor.bytes, 0);
    if (bytes > 0 && bytes + more > maxBytes) {
      shards.push([]);
      bytes = 0;
    }
    shards.at(-1)!.push(group);
    bytes += more;
  }
  return shards;
}

/** Wide types first, then by name, as Python's writer: every tensor then begins at a multiple of its type's size. */
export function orderForFile(tensors: readonly SavedTensor[]): SavedTensor[] {
  return [...tensors].sort((a, b) => dtypeBytes(b.dtype) - dtypeBytes(a.dtype) || (a.name < b.name ? -1 : 1));
}

/** Length and header of a file: JSON, filled with spaces to a multiple of eight bytes. */
export function headerOf(tensors: readonly SavedTensor[]): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: { format: "pt" } };
  let offset = 0;
  for (const { name, dtype, shape, bytes } of tensors) {
    header[name] = { dtype: dtypeNames[dtype], shape, data_offsets: [offset, offset + bytes] };
    offset += bytes;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const length = Math.ceil(json.length / 8) * 8;
  const out = new Uint8Array(8 + length).fill(0x20);
  new DataView(out.buffer).setBigUint64(0, BigInt(length), true);
  out.set(json, 8);
  return out;
}
