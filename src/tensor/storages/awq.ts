import { readWords } from "./bit-stream.ts";
import type { StorageBase, StorageKindOf } from "./kind.ts";
import { heldGroup, heldScale, readScales, type ScaleType, scaleBits } from "./scales.ts";

/**
 * AWQ ("gemm"): a matrix [rows, columns] as codes of 4 bits. `codes` is int32 [columns, rows / 8], eight rows a word, in the
 * order 0, 2, 4, 6, 1, 3, 5, 7 from the lowest bits on; `zeros` is int32 [groups, rows / 8], likewise; `scales` is
 * [groups, rows]. A value is (code − zero) · scale. Source: Lin et al. 2023, "AWQ"; the layout of AutoAWQ.
 */
export interface AwqStorage extends StorageBase {
  kind: "awq";
  tensors: { readonly codes: string; readonly zeros: string; readonly scales: string };
  /** Columns that share a scale. */
  group: number;
  scaleType: ScaleType;
}

/** Where in its word each of eight rows stands, in codes. */
const placeInWord = [0, 4, 1, 5, 2, 6, 3, 7];

export const awq: StorageKindOf<AwqStorage> = {
  kind: "awq",
  roles: ["codes", "zeros", "scales"],
  isByRows: false,
  bits: ({ group, scaleType, shape }) => 4 + (4 + scaleBits(scaleType)) / Math.min(group, shape.at(-1)!),
  decode: ({ shape, group, scaleType }, { codes, zeros, scales }) => {
    const [rows, columns] = shape as [number, number];
    const [words, zeroWords] = [readWords(codes!), readWords(zeros!)];
    const factors = readScales(scales!, scaleType);
    const at = (from: Uint32Array, line: number, row: number) =>
      (from[line * (rows / 8) + (row >> 3)]! >>> (4 * placeInWord[row & 7]!)) & 15;
    const out = new Float32Array(rows * columns);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const own = Math.floor(column / group);
        out[row * columns + column] = (at(words, column, row) - at(zeroWords, own, row)) * factors[own * rows + row]!;
      }
    }
    return out;
  },
  codes: ({ shape, group, scaleType }) => {
    const held = heldGroup(group, shape.at(-1)!);
    if (held === undefined) return undefined;
    return { bits: 4, group: held, table: "linear", scale: heldScale(scaleType), offset: "zero", permuted: false };
  },
};
