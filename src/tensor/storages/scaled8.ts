import { codeTables } from "../code-layout.ts";
import type { StorageBase, StorageKindOf } from "./kind.ts";
import { heldGroup, heldScale, readScales, type ScaleType, scaleBits } from "./scales.ts";

/**
 * Numbers of 8 bits under a grid of scales: `codes` is float8 (e4m3, no infinities) or int8 [...rows, columns]; `scales` has an
 * entry for each block of `rowBlock` × `columnBlock` values, the last blocks cut; `zeros` is int8, of the shape of the scales.
 * A value is (code − zero) · scale. Source: Micikevicius et al. 2022, "FP8 Formats for Deep Learning"; DeepSeek-V3's blocks of
 * 128 × 128.
 */
export interface Scaled8Storage extends StorageBase {
  kind: "scaled8";
  tensors: { readonly codes: string; readonly scales: string; readonly zeros?: string; readonly inputScale?: string };
  table: "float8" | "int8";
  /** Rows, and columns, of a block. */
  rowBlock: number;
  columnBlock: number;
  scaleType: ScaleType;
}

export const scaled8: StorageKindOf<Scaled8Storage> = {
  kind: "scaled8",
  roles: ["codes", "scales", "zeros", "inputScale"],
  isByRows: false,
  bits: ({ rowBlock, columnBlock, scaleType, tensors }) =>
    8 + (scaleBits(scaleType) + (tensors.zeros === undefined ? 0 : 8)) / (rowBlock * columnBlock),
  decode: ({ shape, table, rowBlock, columnBlock, scaleType }, { codes, scales, zeros }) => {
    const [rows, columns] = [shape.at(-2)!, shape.at(-1)!];
    const [gridRows, gridColumns] = [Math.ceil(rows / rowBlock), Math.ceil(columns / columnBlock)];
    const factors = readScales(scales!, scaleType);
    const out = new Float32Array(codes!.length);
    for (let at = 0; at < out.length; at++) {
      const [line, column] = [Math.floor(at / columns), at % columns];
      const matrix = Math.floor(line / rows);
      const block = matrix * gridRows + Math.floor((line % rows) / rowBlock);
      const own = block * gridColumns + Math.floor(column / columnBlock);
      const value = table === "int8" ? (codes![at]! << 24) >> 24 : codeTables.float8[codes![at]!]!;
      out[at] = (zeros ? value - ((zeros[own]! << 24) >> 24) : value) * factors[own]!;
    }
    return out;
  },
  codes: ({ shape, table, columnBlock, scaleType, tensors }) => {
    const held = heldGroup(columnBlock, shape.at(-1)!);
    if (held === undefined) return undefined;
    const offset = tensors.zeros === undefined ? "none" : "zero";
    return { bits: 8, group: held, table, scale: heldScale(scaleType), offset, permuted: false };
  },
};
