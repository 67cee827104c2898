import { commonGroup, type FourBitType, nestedColumns, unpackPairs } from "../bitsandbytes/blocks.ts";
import { unnestStatistics } from "../bitsandbytes/statistics.ts";
import { codeTables } from "../code-layout.ts";
import { toFloat32 } from "../convert.ts";
import { elementCount } from "../dtype.ts";
import type { StorageBase, StorageKindOf } from "./kind.ts";

/**
 * bitsandbytes in 4 bits: `codes` holds two a byte, the high half first, over the flattened matrix. Blocks of `block` values
 * share one of `absmax`: float32, or with double quantisation uint8, codes of `nestedMap` (float32 [256]) that are scaled by
 * `nestedAbsmax` (float32, one for `nestedBlock` blocks) and shifted by `nestedOffset`. `map` and `state` are read by nobody.
 */
export interface Bitsandbytes4Storage extends StorageBase {
  kind: "bitsandbytes4";
  tensors: {
    readonly codes: string;
    readonly absmax: string;
    readonly nestedAbsmax?: string;
    readonly nestedMap?: string;
    readonly map?: string;
    readonly state?: string;
  };
  type: FourBitType;
  block: number;
  nestedBlock?: number;
  nestedOffset?: number;
  /** Its `nestedMap` is another than bitsandbytes' dynamic map. */
  ownMap?: true;
  /** What a product with it is computed in: `bnb_4bit_compute_dtype`. */
  arithmetic: "float32" | "bfloat16";
}

export const bitsandbytes4: StorageKindOf<Bitsandbytes4Storage> = {
  kind: "bitsandbytes4",
  roles: ["codes", "absmax", "nestedAbsmax", "nestedMap", "map", "state"],
  isByRows: false,
  bits: ({ block, nestedBlock }) => 4 + (nestedBlock === undefined ? 32 : 8 + 32 / nestedBlock) / block,
  decode({ shape, type, block, nestedBlock, nestedOffset }, { codes, absmax, nestedAbsmax, nestedMap }) {
    const statistics = { codes: absmax!, absmax: floats(nestedAbsmax), offset: nestedOffset ?? 0 };
    const scales = nestedBlock === undefined ? floats(absmax) : unnestStatistics(statistics, floats(nestedMap), nestedBlock);
    return decodeBlocks(unpackPairs(codes!, elementCount(shape)), scales, type, block);
  },
  codes({ shape, type, block, nestedBlock, ownMap }) {
    const group = commonGroup(shape.at(-1)!, block);
    if (group < 16) return undefined; // a block would begin inside a row
    const layout = { bits: 4, group, table: type, offset: "none", permuted: false } as const;
    const nested = nestedBlock && !ownMap && nestedColumns(shape.at(-1)!, block, nestedBlock);
    return nested ? { ...layout, scale: "mapped", super: nested } : { ...layout, scale: "float32" };
  },
};

/** Values of codes, each times the maximum of its block. */
export function decodeBlocks(codes: Uint8Array, scales: Float32Array, type: FourBitType, block: number): Float32Array {
  return Float32Array.from(codes, (code, i) => codeTables[type][code]! * scales[Math.floor(i / block)]!);
}

function floats(bytes: Uint8Array | undefined): Float32Array {
  return toFloat32(bytes ?? new Uint8Array(), "float32");
}
