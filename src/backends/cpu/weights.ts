import { TsumugiError } from "../../errors.ts";
import type { Model, Weight, WeightOrigin } from "../../ops/program.ts";
import { dtypeBytes, elementCount } from "../../tensor/dtype.ts";
import type { TensorInfo, WeightSource } from "../backend.ts";
import { type NativeLoadPlan, type NativeOrigin, type NativeWeight, weightKinds } from "./addon.ts";

const noScales = { scaleFile: -1, scaleMemory: -1, scaleOffset: 0 };

const loadable = ["float32", "bfloat16", "float16", "float64"];

/** Where each weight's rows come from, as the addon's loader reads them. Every shape is checked here. */
export function planLoad(model: Model, weights: readonly NativeWeight[], source: WeightSource): NativeLoadPlan {
  const tensors = new Map(source.tensors().map((tensor) => [tensor.name, tensor]));
  const files = new Map<string, number>();
  const memory = new Map<Uint8Array, number>();
  /** Where the scales of an MXFP4 tensor are, from those of the origin's matrix on. */
  const scalesOf = (tensor: string, { index = 0 }: WeightOrigin, { shape }: TensorInfo) => {
    const info = tensors.get(tensor);
    if (!info) throw new TsumugiError("tensor_missing", { name: tensor });
    if (info.dtype !== "uint8" || info.shape.join() !== shape.slice(0, -1).join()) {
      throw new TsumugiError("weight_shape", {
        name: tensor,
        expected: `uint8 [${shape.slice(0, -1)}]`,
        given: `[${info.shape}]`,
      });
    }
    const before = index * elementCount(info.shape.slice(1));
    const place = source.locate(tensor);
    return place instanceof Uint8Array
      ? { dtype: "mxfp4", scaleMemory: numbered(memory, place), scaleOffset: before }
      : { dtype: "mxfp4", scaleFile: numbered(files, place.file), scaleOffset: place.offset + before };
  };
  const origins = model.weights.flatMap((weight, index) => {
    const native = weights[index]!;
    let destination = 0;
    const planned = weight.from.flatMap((origin) => {
      const info = tensors.get(origin.tensor);
      if (!info) throw new TsumugiError("tensor_missing", { name: origin.tensor });
      const matrix = storedMatrix(weight, origin, info, native.kind === weightKinds.vector);
      const place = source.locate(origin.tensor);
      const inMemory = place instanceof Uint8Array;
      const needed = elementCount(info.shape) * dtypeBytes(info.dtype);
      const scales = origin.mxfp4Scales && scalesOf(origin.mxfp4Scales, origin, info);
      const before = (origin.index ?? 0) * elementCount(info.shape.slice(1)) * dtypeBytes(info.dtype);
      const given = inMemory ? place.byteLength : place.bytes;
      if (given < needed) throw shapeError(weight, `${needed} bytes of ${origin.tensor}`, `${given} bytes`);
      const result: NativeOrigin = {
        weight: index,
        tensor: origin.tensor,
        file: inMemory ? -1 : numbered(files, place.file),
        memory: inMemory ? numbered(memory, place) : -1,
        offset: (inMemory ? 0 : place.offset) + before,
        dtype: info.dtype,
        ...noScales,
        ...scales,
        ...matrix,
        transposed: origin.transpose ?? false,
        destination,
      };
      const { rows, columns } = logicalSize(result);
      if (native.kind !== weightKinds.vector && columns !== native.columns) {
        throw shapeError(weight, `[${weight.shape}]`, `[${rows}, ${columns}] from ${origin.tensor}`);
      }
      destination += native.kind === weightKinds.vector ? columns : rows;
      return native.groups === 1 ? [result] : matrixByMatrix(weight, result, native.rows);
    });
    const expected = native.kind === weightKinds.vector ? native.columns : native.rows * native.groups;
    if (destination !== expected) throw shapeError(weight, `[${weight.shape}]`, `${destination} rows or values`);
    return planned;
  });
  return { files: [...files.keys()], memory: [...memory.keys()], origins };
}

/** The tensor as a stored row-major matrix, and the part of it that is taken. */
function storedMatrix(weight: Weight, origin: WeightOrigin, info: TensorInfo, vector: boolean) {
  const packed = origin.mxfp4Scales !== undefined;
  const known = packed ? ["uint8"] : loadable;
  if (!known.includes(info.dtype)) throw shapeError(weight, `a tensor of ${known.join(", ")}`, `${info.dtype}`);
  const whole = packed ? [...info.shape.slice(0, -2), 2 * info.shape.at(-2)! * info.shape.at(-1)!] : info.shape;
  if (packed && (vector || origin.slice || origin.transpose)) throw shapeError(weight, "whole MXFP4 matrices", "a part of one");
  const shape = origin.index === undefined ? whole : whole.slice(1);
  const { slice } = origin;
  // A vector is one row; a tensor of more than two axes is its rows by everything else, its last axis being kept.
  const columns = vector ? elementCount(shape) : (shape.at(-1) ?? 1);
  const rows = elementCount(shape) / Math.max(1, columns);
  const range = { rowStart: 0, rowEnd: rows, columnStart: 0, columnEnd: columns };
  if (slice) {
    const { axis, start, end } = slice;
    const size = shape[axis];
    if (size === undefined || start < 0 || end > size || start >= end) {
      throw shapeError(weight, `a tensor that has ${start}:${end} on axis ${axis}`, `[${shape}] in ${origin.tensor}`);
    }
    if (vector || (axis === shape.length - 1 && shape.length > 1)) {
      const inner = vector ? elementCount(shape.slice(1)) : 1;
      if (vector && axis !== 0) throw shapeError(weight, "a vector sliced on axis 0", `axis ${axis}`);
      [range.columnStart, range.columnEnd] = [start * inner, end * inner];
    } else if (axis === 0) {
      const inner = rows / size;
      [range.rowStart, range.rowEnd] = [start * inner, end * inner];
    } else throw shapeError(weight, "a slice of the first or the last axis", `axis ${axis} of [${shape}]`);
  }
  return { storedColumns: columns, ...range };
}

/** An origin that fills several matrices of a stack, as one for each. */
function matrixByMatrix(weight: Weight, origin: NativeOrigin, matrixRows: number): NativeOrigin[] {
  const { rows } = logicalSize(origin);
  const { destination, rowStart, transposed } = origin;
  const parts: NativeOrigin[] = [];
  for (let row = 0; row < rows; ) {
    const here = Math.min(rows - row, matrixRows - ((destination + row) % matrixRows));
    if (here === rows) return [origin];
    if (transposed) throw shapeError(weight, "an origin for each matrix", `${rows} rows from ${origin.tensor}`);
    parts.push({ ...origin, rowStart: rowStart + row, rowEnd: rowStart + row + here, destination: destination + row });
    row += here;
  }
  return parts;
}

function logicalSize({ rowStart, rowEnd, columnStart, columnEnd, transposed }: NativeOrigin) {
  const [rows, columns] = [rowEnd - rowStart, columnEnd - columnStart];
  return transposed ? { rows: columns, columns: rows } : { rows, columns };
}

function numbered<Key>(map: Map<Key, number>, key: Key): number {
  const known = map.get(key);
  if (known !== undefined) return known;
  map.set(key, map.size);
  return map.size - 1;
}

function shapeError(weight: Weight, expected: string, given: string): TsumugiError {
  return new TsumugiError("weight_shape", { name: weight.name, expected, given });
}
