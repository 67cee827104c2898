import { storageTensors } from "../tensor/storage.ts";
import type { LowRankChange, WeightOrigin } from "./program.ts";

/** What an origin takes of a tensor: a part of one stored, row-major matrix. */
export interface OriginRegion {
  /** Shape of what it gives, after index, slice and transposition. */
  shape: readonly number[];
  /** Values of the tensor in front of the matrix. */
  before: number;
  /** Columns of the stored matrix: the tensor's last axis. All other axes are its rows. */
  storedColumns: number;
  rowStart: number;
  rowEnd: number;
  columnStart: number;
  columnEnd: number;
}

/** Every tensor of the checkpoint that an origin reads, by name. */
export function originTensors({ tensor, storage, change }: WeightOrigin): readonly string[] {
  const own = storage ? storageTensors(storage).map(({ tensor: name }) => name) : [tensor];
  return change ? [...own, ...changeTensors(change)] : own;
}

/** The tensors of a change. */
export function changeTensors({ down, up, magnitude }: LowRankChange): readonly string[] {
  return magnitude === undefined ? [down, up] : [down, up, magnitude];
}

/**
 * The part of a tensor that an origin takes. All that loads weights goes by this one rule.
 *
 * @param stored - Shape of the tensor, or of the values that its storage stands for.
 * @returns undefined where the tensor has no such part, or where it is none of rows or of columns.
 */
export function originRegion({ index, slice, transpose }: WeightOrigin, stored: readonly number[]): OriginRegion | undefined {
  if (index !== undefined && !(index < (stored[0] ?? 0))) return undefined;
  const shape = index === undefined ? [...stored] : stored.slice(1);
  const size = shape.reduce((product, dimension) => product * dimension, 1);
  const storedColumns = shape.at(-1) ?? 1;
  const rows = size / Math.max(1, storedColumns);
  const range = { rowStart: 0, rowEnd: rows, columnStart: 0, columnEnd: storedColumns };
  if (slice) {
    const { axis, start, end } = slice;
    const length = shape[axis];
    if (length === undefined || start < 0 || end > length || start >= end) return undefined;
    if (axis === shape.length - 1) {
      [range.columnStart, range.columnEnd] = [start, end];
    } else if (axis === 0) {
      const inner = rows / length;
      [range.rowStart, range.rowEnd] = [start * inner, end * inner];
    } else return undefined;
    shape[axis] = end - start;
  }
  return { shape: transpose ? shape.reverse() : shape, before: (index ?? 0) * size, storedColumns, ...range };
}

/** What a bound origin's matrix is when it is stored with rows and columns exchanged. */
export function exchanged(origin: WeightOrigin): WeightOrigin {
  const { transpose = false, slice, ...rest } = origin;
  return {
    ...rest,
    ...(slice && { slice: { ...slice, axis: 1 - slice.axis } }),
    ...(!transpose && { transpose: true }),
  };
}
