import { type CodeLayout, type CodeTable, decodeCodes } from "../code-layout.ts";
import type { StorageBase, StorageKindOf } from "./kind.ts";

/**
 * Codes in plain sight, which any layout can hold: `codes` is uint8 [rows, columns], one a value; `scales` and `offsets` (zeros
 * or minimums) are float32 [rows, groups]; `order` is int32 [columns], the column of the matrix that stands at each place.
 */
export interface CodedStorage extends StorageBase {
  kind: "coded";
  tensors: { readonly codes: string; readonly scales: string; readonly offsets?: string; readonly order?: string };
  bits: 4 | 8;
  /** Values of a row that share a scale; the last group may be shorter. */
  group: number;
  table: CodeTable;
  offset: CodeLayout["offset"];
}

export const coded: StorageKindOf<CodedStorage> = {
  kind: "coded",
  roles: ["codes", "scales", "offsets", "order"],
  isByRows: false,
  bits: ({ group, offset }) => 8 + (offset === "none" ? 32 : 64) / group,
  decode: ({ shape, ...storage }, { codes, scales, offsets, order }) => {
    const columns = shape.at(-1)!;
    return decodeCodes(storage, {
      rows: codes!.length / columns,
      columns,
      group: storage.group,
      codes: codes!,
      scales: new Float32Array(scales!.slice().buffer),
      ...(offsets && { offsets: new Float32Array(offsets.slice().buffer) }),
      ...(order && { order: new Int32Array(order.slice().buffer) }),
    });
  },
  codes: ({ shape, tensors, bits, group, table, offset }) => {
    const isRow = group >= shape.at(-1)!;
    if (!isRow && group % 16 !== 0) return undefined;
    return { bits, group: isRow ? "row" : group, table, scale: "float32", offset, permuted: tensors.order !== undefined };
  },
};
