import { decodeCodes } from "../code-layout.ts";
import { toFloat32 } from "../convert.ts";
import { type GgmlCodedType, ggmlBlocks, readGgmlBlocks } from "../ggml/blocks.ts";
import { type GgmlTypeName, ggmlTypes } from "../ggml/types.ts";
import type { StorageBase, StorageKindOf } from "./kind.ts";

/**
 * Tensors of GGUF files: `blocks` is uint8 [...rows, bytes of a row], each row whole blocks of its type. Plain numbers are
 * stored so, too, where rows stand in another order than the model has them in.
 */
export interface GgmlStorage extends StorageBase {
  kind: "ggml";
  /** `odd`: rows 1, 3, 5 … of each matrix are there, and `blocks` has the others (gate and up of gpt-oss). */
  tensors: { readonly blocks: string; readonly odd?: string };
  type: GgmlTypeName;
  /** Heads whose rows stand as pairs that turn together, where the model has the first of each, then the second (llama). */
  heads?: number;
}

export const ggml: StorageKindOf<GgmlStorage> = {
  kind: "ggml",
  roles: ["blocks", "odd"],
  isByRows: false,
  bits: ({ type }) => (8 * ggmlTypes[type].bytes) / ggmlTypes[type].block,
  decode: (storage, { blocks, odd }) => {
    const columns = storage.shape.at(-1)!;
    const values = decodeRows(storage.type, blocks!, columns);
    if (odd) return alternate(values, decodeRows(storage.type, odd, columns), columns);
    return storage.heads === undefined ? values : halves(values, storage.heads, columns);
  },
  codes: ({ type }) => {
    if (!isCoded(type)) return undefined;
    const { read: _, ...layout } = ggmlBlocks[type];
    return { ...layout, permuted: false };
  },
};

function isCoded(type: GgmlTypeName): type is GgmlCodedType {
  return Object.hasOwn(ggmlBlocks, type);
}

const plainTypes = { F32: "float32", F16: "float16", BF16: "bfloat16" } as const;

function decodeRows(type: GgmlTypeName, bytes: Uint8Array, columns: number): Float32Array {
  if (!isCoded(type)) return toFloat32(bytes, plainTypes[type]);
  return decodeCodes(ggmlBlocks[type], readGgmlBlocks(type, bytes, columns));
}

function alternate(even: Float32Array, odd: Float32Array, columns: number): Float32Array {
  const out = new Float32Array(even.length * 2);
  for (let row = 0; row < even.length / columns; row++) {
    out.set(even.subarray(row * columns, (row + 1) * columns), 2 * row * columns);
    out.set(odd.subarray(row * columns, (row + 1) * columns), (2 * row + 1) * columns);
  }
  return out;
}

function halves(values: Float32Array, heads: number, columns: number): Float32Array {
  const out = new Float32Array(values.length);
  const rows = values.length / columns;
  for (let row = 0; row < rows; row++) {
    const from = pairedRow(row, rows / heads);
    out.set(values.subarray(from * columns, (from + 1) * columns), row * columns);
  }
  return out;
}

/** Where the row of a head stands whose rows are pairs. */
export function pairedRow(row: number, headRows: number): number {
  const at = row % headRows;
  return row - at + ((2 * at) % headRows) + Math.floor((2 * at) / headRows);
}
