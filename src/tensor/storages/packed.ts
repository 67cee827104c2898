import { codeAt, readWords, streamWords } from "./bit-stream.ts";
import { type ColumnGroups, groupOfColumns } from "./column-groups.ts";
import type { StorageBase, StorageKindOf } from "./kind.ts";
import { heldGroup, heldScale, readScales, type ScaleType, scaleBits } from "./scales.ts";

/**
 * compressed-tensors' packed integers: `codes` is int32 [rows, words], each row a stream of codes of a few bits, the lowest bits
 * first, with half their range added; `scales` is [rows, groups], or one number; `zeros` is int32 [words, groups], a stream
 * down the rows, with the same added; `groups` (`weight_g_idx`) is int32 [columns], the group of each. A value is
 * (code − zero) · scale. Source: vllm-project/compressed-tensors, "pack-quantized".
 */
export interface PackedStorage extends StorageBase {
  kind: "packed";
  tensors: {
    readonly codes: string;
    readonly scales: string;
    readonly zeros?: string;
    readonly groups?: string;
    readonly shape?: string;
    readonly inputScale?: string;
  };
  bits: 2 | 3 | 4 | 5 | 6 | 7 | 8;
  /** Columns that share a scale. */
  group: number;
  /** One scale serves all rows. */
  isOneScale: boolean;
  scaleType: ScaleType;
  columnGroups: ColumnGroups;
}

export const packed: StorageKindOf<PackedStorage> = {
  kind: "packed",
  roles: ["codes", "scales", "zeros", "groups", "shape", "inputScale"],
  isByRows: false,
  bits: ({ bits, group, isOneScale, scaleType, shape, tensors }) => {
    const shared = scaleBits(scaleType) + (tensors.zeros === undefined ? 0 : bits);
    return bits + shared / (Math.min(group, shape.at(-1)!) * (isOneScale ? shape[0]! : 1));
  },
  decode: ({ shape, bits, group, isOneScale, scaleType }, { codes, scales, zeros, groups }) => {
    const [rows, columns] = shape as [number, number];
    const words = readWords(codes!);
    const zeroWords = zeros && readWords(zeros);
    const factors = readScales(scales!, scaleType);
    const groupOf = groupOfColumns(groups, columns, group);
    const groupCount = Math.ceil(columns / group);
    const rowWords = streamWords(columns, bits);
    const out = new Float32Array(rows * columns);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const own = groupOf[column]!;
        const zero = zeroWords ? codeAt(zeroWords, own, groupCount, row, bits) : 2 ** (bits - 1);
        const scale = factors[isOneScale ? 0 : row * groupCount + own]!;
        out[row * columns + column] = (codeAt(words, row * rowWords, 1, column, bits) - zero) * scale;
      }
    }
    return out;
  },
  codes: ({ shape, bits, group, scaleType, columnGroups, tensors }) => {
    const held = heldGroup(group, shape.at(-1)!);
    if (held === undefined || columnGroups === "any") return undefined;
    const isSmall = bits <= 4;
    // without zero points, codes are moved so that a table without an offset has their values
    const table = tensors.zeros !== undefined ? "linear" : isSmall ? "int4" : "int8";
    return {
      bits: isSmall ? 4 : 8,
      group: held,
      table,
      scale: heldScale(scaleType),
      offset: tensors.zeros === undefined ? "none" : "zero",
      permuted: columnGroups === "sorted",
    };
  },
};
