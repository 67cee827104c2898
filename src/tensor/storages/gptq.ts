import { codeAt, readWords, streamWords } from "./bit-stream.ts";
import { type ColumnGroups, groupOfColumns } from "./column-groups.ts";
import type { StorageBase, StorageKindOf } from "./kind.ts";
import { heldGroup, heldScale, readScales, type ScaleType, scaleBits } from "./scales.ts";

/**
 * GPTQ: a matrix [rows, columns] as codes of 2, 3, 4 or 8 bits. `codes` is int32 [words, rows]: of each row a stream of bits
 * that runs down its column, the lowest bits first; `zeros` is int32 [groups, words], a stream along the rows; `scales` is
 * [groups, rows]; `groups` (`g_idx`) is int32 [columns], the group of each. A value is (code − zero − zeroShift) · scale.
 * Source: Frantar et al. 2022, "GPTQ"; the layout of AutoGPTQ and GPTQModel.
 */
export interface GptqStorage extends StorageBase {
  kind: "gptq";
  tensors: { readonly codes: string; readonly zeros: string; readonly scales: string; readonly groups?: string };
  bits: 2 | 3 | 4 | 8;
  /** Columns that share a scale. */
  group: number;
  /** What is added to stored zeros: 1 in the first version of the layout. */
  zeroShift: 0 | 1;
  scaleType: ScaleType;
  columnGroups: ColumnGroups;
}

export const gptq: StorageKindOf<GptqStorage> = {
  kind: "gptq",
  roles: ["codes", "zeros", "scales", "groups"],
  isByRows: false,
  bits: ({ bits, group, scaleType, shape }) => bits + (bits + scaleBits(scaleType)) / Math.min(group, shape.at(-1)!),
  decode: ({ shape, bits, group, zeroShift, scaleType }, { codes, zeros, scales, groups }) => {
    const [rows, columns] = shape as [number, number];
    const [words, zeroWords] = [readWords(codes!), readWords(zeros!)];
    const factors = readScales(scales!, scaleType);
    const groupOf = groupOfColumns(groups, columns, group);
    const wordsOfZeros = streamWords(rows, bits);
    const out = new Float32Array(rows * columns);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const own = groupOf[column]!;
        const zero = codeAt(zeroWords, own * wordsOfZeros, 1, row, bits) + zeroShift;
        out[row * columns + column] = (codeAt(words, row, rows, column, bits) - zero) * factors[own * rows + row]!;
      }
    }
    return out;
  },
  codes: ({ shape, bits, group, scaleType, columnGroups }) => {
    const held = heldGroup(group, shape.at(-1)!);
    if (held === undefined || columnGroups === "any") return undefined;
    const permuted = columnGroups === "sorted";
    return { bits: bits === 8 ? 8 : 4, group: held, table: "linear", scale: heldScale(scaleType), offset: "zero", permuted };
  },
};
