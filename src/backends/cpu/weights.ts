import { TsumugiError } from "../../errors.ts";
import type { Model, Weight, WeightOrigin } from "../../ops/program.ts";
import { dtypeBytes, elementCount } from "../../tensor/dtype.ts";
import type { TensorInfo, WeightSource } from "../backend.ts";
import { type NativeLoadPlan, type NativeOrigin, type NativeWeight, weightKinds } from "./addon.ts";

const loadable = ["float32", "bfloat16", "float16", "float64"];

/** Where each weight's rows come from, as the addon's loader reads them. Every shape is checked here. */
export function planLoad(model: Model, weights: readonly NativeWeight[], source: WeightSource): NativeLoadPlan {
  const tensors = new Map(source.tensors().map((tensor) => [tensor.name, tensor]));
  const files = new Map<string, number>();
  const memory = new Map<Uint8Array, number>();
  const origins = model.weights.flatMap((weight, index) => {
    const native = weights[index]!;
    let destination = 0;
    const planned = weight.from.map((origin) => {
      const info = tensors.get(origin.tensor);
      if (!info) throw new TsumugiError("tensor_missing", { name: origin.tensor });
      const matrix = storedMatrix(weight, origin, info, native.kind === weightKinds.vector);
      const place = source.locate(origin.tensor);
      const inMemory = place instanceof Uint8Array;
      const needed = elementCount(info.shape) * dtypeBytes(info.dtype);
      const given = inMemory ? place.byteLength : place.bytes;
      if (given < needed) throw shapeError(weight, `${needed} bytes of ${origin.tensor}`, `${given} bytes`);
      const result: NativeOrigin = {
        weight: index,
        tensor: origin.tensor,
        file: inMemory ? -1 : numbered(files, place.file),
        memory: inMemory ? numbered(memory, place) : -1,
        offset: inMemory ? 0 : place.offset,
        dtype: info.dtype,
        ...matrix,
        transposed: origin.transpose ?? false,
        destination,
      };
      const { rows, columns } = logicalSize(result);
      if (native.kind !== weightKinds.vector && columns !== native.columns) {
        throw shapeError(weight, `[${weight.shape}]`, `[${rows}, ${columns}] from ${origin.tensor}`);
      }
      destination += native.kind === weightKinds.vector ? columns : rows;
      return result;
    });
    const expected = native.kind === weightKinds.vector ? native.columns : native.rows;
    if (destination !== expected) throw shapeError(weight, `[${weight.shape}]`, `${destination} rows or values`);
    return planned;
  });
  return { files: [...files.keys()], memory: [...memory.keys()], origins };
}

/** The tensor as a stored row-major matrix, and the part of it that is taken. */
function storedMatrix(weight: Weight, origin: WeightOrigin, info: TensorInfo, vector: boolean) {
  if (!loadable.includes(info.dtype)) throw shapeError(weight, `a tensor of ${loadable.join(", ")}`, `${info.dtype}`);
  const shape = info.shape;
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
