import { TsumugiError } from "../../errors.ts";
import type { Weight, WeightOrigin } from "../../ops/program.ts";
import { roundTo, toFloat32 } from "../../tensor/convert.ts";
import type { FloatDType } from "../../tensor/dtype.ts";
import { fromMxfp4 } from "../../tensor/mxfp4.ts";
import type { TensorInfo, WeightSource } from "../backend.ts";

/** Data of a tensor of the source, wherever it is. */
export async function readTensor(source: WeightSource, name: string): Promise<Uint8Array> {
  const place = source.locate(name);
  if (place instanceof Uint8Array) return place;
  if (!source.read)
    throw new TsumugiError("invalid_input", { what: "The weight source", expected: "one that can `read`", given: place });
  return source.read(name);
}

/**
 * Loads a weight as float32 values of its shape. Matrices are rounded to `dtype`; vectors (norms, biases) stay as the
 * checkpoint has them.
 */
export async function loadWeight(
  weight: Weight,
  source: WeightSource,
  tensors: ReadonlyMap<string, TensorInfo>,
  dtype: FloatDType,
  vectors: FloatDType,
): Promise<Float32Array> {
  const parts: Float32Array[] = [];
  let last: { name: string; values: Float32Array } | undefined;
  for (const origin of weight.from) {
    const info = tensors.get(origin.tensor);
    if (!info) throw new TsumugiError("tensor_missing", { name: origin.tensor });
    // several origins in turn may be parts of one tensor
    if (last?.name !== origin.tensor) last = { name: origin.tensor, values: await tensorValues(origin, info, source) };
    parts.push(place(last.values, valueShape(origin, info), origin));
  }
  const total = parts.reduce((sum, part) => sum + part.length, 0);
  const values = new Float32Array(total);
  let at = 0;
  for (const part of parts) {
    values.set(part, at);
    at += part.length;
  }
  const expected = weight.shape.reduce((product, dimension) => product * dimension, 1);
  if (total !== expected) {
    throw new TsumugiError("weight_shape", { name: weight.name, expected: `[${weight.shape}]`, given: `${total} values` });
  }
  return weight.uses.includes("vector")
    ? weight.type === "float32"
      ? values
      : roundTo(values, vectors)
    : roundTo(values, dtype);
}

async function tensorValues(origin: WeightOrigin, info: TensorInfo, source: WeightSource): Promise<Float32Array> {
  const bytes = await readTensor(source, origin.tensor);
  if (origin.mxfp4Scales === undefined) return toFloat32(bytes, info.dtype);
  return fromMxfp4(bytes, await readTensor(source, origin.mxfp4Scales));
}

/** Of the values that the tensor stands for. */
function valueShape({ mxfp4Scales }: WeightOrigin, { shape }: TensorInfo): readonly number[] {
  return mxfp4Scales === undefined ? shape : [...shape.slice(0, -2), 2 * shape.at(-2)! * shape.at(-1)!];
}

/** One matrix, then slice, then transposition, of a 1-D or 2-D tensor (only its first axis may be sliced when it has more). */
function place(values: Float32Array, fullShape: readonly number[], origin: WeightOrigin): Float32Array {
  const { index } = origin;
  const shape = index === undefined ? fullShape : fullShape.slice(1);
  const size = shape.reduce((product, dimension) => product * dimension, 1);
  const data = index === undefined ? values : values.subarray(index * size, (index + 1) * size);
  const inner = shape.slice(1).reduce((product, dimension) => product * dimension, 1);
  let [rows, columns] = [shape[0] ?? 1, inner];
  let result = data;
  if (origin.slice) {
    const { axis, start, end } = origin.slice;
    if (axis === 0) {
      result = data.subarray(start * columns, end * columns);
      rows = end - start;
    } else {
      const width = end - start;
      const sliced = new Float32Array(rows * width);
      for (let r = 0; r < rows; r++) sliced.set(data.subarray(r * columns + start, r * columns + end), r * width);
      result = sliced;
      columns = width;
    }
  }
  if (!origin.transpose) return result;
  const turned = new Float32Array(result.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) turned[c * rows + r] = result[r * columns + c]!;
  return turned;
}
