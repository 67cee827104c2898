import { TsumugiError } from "../../errors.ts";
import { originRegion } from "../../ops/origin.ts";
import type { LowRankChange, Model, Weight, WeightOrigin } from "../../ops/program.ts";
import { dtypeBytes, elementCount } from "../../tensor/dtype.ts";
import { checkReadable } from "../../tensor/readable.ts";
import { storageParameters, storageRoles } from "../../tensor/storage.ts";
import type { TensorInfo, WeightSource } from "../backend.ts";
import type { WeightHolding } from "../weight-holding.ts";
import {
  type NativeChange,
  type NativeLoadPlan,
  type NativeMatrix,
  type NativeOrigin,
  type NativePlace,
  type NativeWeight,
  weightKinds,
} from "./addon.ts";

/** Where each weight's rows come from, as the addon's loader reads them. Every shape is checked here. */
export function planLoad(
  model: Model,
  weights: readonly NativeWeight[],
  holdings: readonly WeightHolding[],
  source: WeightSource,
): NativeLoadPlan {
  const places = new Places(source);
  const all = model.weights.flatMap((weight, index) => {
    const native = weights[index]!;
    let destination = 0;
    const origins = weight.from.flatMap((origin) => {
      const planned = planOrigin(weight, index, origin, native.kind === weightKinds.vector, destination, places);
      const { storage, quantise, quantiser = storage } = holdings[index]!;
      const result = quantise ? { ...planned, quantiser, quantise } : planned;
      const { rows, columns } = logicalSize(result);
      if (native.kind !== weightKinds.vector && columns !== native.columns) {
        throw shapeError(weight, `[${weight.shape}]`, `[${rows}, ${columns}] from ${origin.tensor}`);
      }
      destination += native.kind === weightKinds.vector ? columns : rows;
      return native.groups === 1 ? [result] : matrixByMatrix(weight, result, native.rows);
    });
    const expected = native.kind === weightKinds.vector ? native.columns : native.rows * native.groups;
    if (destination !== expected) throw shapeError(weight, `[${weight.shape}]`, `${destination} rows or values`);
    return origins;
  });
  return { files: places.files, memory: places.memory, origins: all };
}

/** The tensors of a source, and where their bytes are, in files and arrays that are numbered as they turn up. */
class Places {
  readonly #source: WeightSource;
  readonly #tensors: ReadonlyMap<string, TensorInfo>;
  readonly #files = new Map<string, number>();
  readonly #memory = new Map<Uint8Array, number>();

  constructor(source: WeightSource) {
    this.#source = source;
    this.#tensors = new Map(source.tensors().map((tensor) => [tensor.name, tensor]));
  }

  get files(): string[] {
    return [...this.#files.keys()];
  }

  get memory(): Uint8Array[] {
    return [...this.#memory.keys()];
  }

  info(tensor: string): TensorInfo {
    const info = this.#tensors.get(tensor);
    if (!info) throw new TsumugiError("tensor_missing", { name: tensor });
    return info;
  }

  /** Where a tensor begins, or its entry `index` of the first axis. */
  find(weight: Weight, tensor: string, index = 0): NativePlace {
    const { shape, dtype } = this.info(tensor);
    const place = this.#source.locate(tensor);
    const inMemory = place instanceof Uint8Array;
    const needed = elementCount(shape) * dtypeBytes(dtype);
    const given = inMemory ? place.byteLength : place.bytes;
    if (given < needed) throw shapeError(weight, `${needed} bytes of ${tensor}`, `${given} bytes`);
    const before = index * elementCount(shape.slice(1)) * dtypeBytes(dtype);
    return {
      file: inMemory ? -1 : numbered(this.#files, place.file),
      memory: inMemory ? numbered(this.#memory, place) : -1,
      offset: (inMemory ? 0 : place.offset) + before,
    };
  }
}

function planOrigin(
  weight: Weight,
  index: number,
  origin: WeightOrigin,
  isVector: boolean,
  destination: number,
  places: Places,
): NativeOrigin {
  const { storage, tensor, transpose = false } = origin;
  const stored = storage
    ? { storage: storage.kind, dtype: "uint8", tensors: storageRoles(storage).map(({ tensor: name }) => name) }
    : { storage: "plain", dtype: places.info(tensor).dtype, tensors: [tensor] };
  if (!storage) checkReadable(weight.name, places.info(tensor).dtype);
  const shape = storage?.shape ?? places.info(tensor).shape;
  const region = originRegion(origin, shape);
  if (!region) {
    const { index: entry, slice } = origin;
    const part = slice ? `${slice.start}:${slice.end} on axis ${slice.axis}` : `entry ${entry}`;
    throw shapeError(weight, `a tensor that has ${part}`, `[${shape}] in ${tensor}`);
  }
  const { shape: _, before: __, ...matrix } = region;
  const isWhole = matrix.columnStart === 0 && matrix.columnEnd === matrix.storedColumns;
  if (storage && isVector) throw shapeError(weight, "a vector of plain numbers", storage.kind);
  return {
    weight: index,
    tensor,
    storage: stored.storage,
    dtype: stored.dtype,
    places: stored.tensors.map((name) => (name === undefined ? null : places.find(weight, name, origin.index))),
    parameters: storage ? storageParameters(storage) : {},
    storedRows: elementCount(shape) / matrix.storedColumns / (origin.index === undefined ? 1 : shape[0]!),
    ...(isVector ? inOneRow(weight, matrix, isWhole) : matrix),
    transposed: transpose,
    ...(origin.change && { change: planChange(weight, origin.change, places) }),
    destination,
  };
}

function planChange(
  weight: Weight,
  { down, up, scale, exchanged = false, magnitude }: LowRankChange,
  places: Places,
): NativeChange {
  const matrix = (tensor: string): NativeMatrix => {
    const { shape, dtype } = places.info(tensor);
    checkReadable(tensor, dtype);
    return { place: places.find(weight, tensor), dtype, columns: shape.at(-1) ?? 1 };
  };
  return {
    down: matrix(down),
    up: matrix(up),
    scale,
    exchanged,
    ...(magnitude !== undefined && { magnitude: matrix(magnitude) }),
  };
}

/** Joins whole rows of a matrix into one row, since a vector is all of its values, one after another. */
function inOneRow(weight: Weight, matrix: Omit<StoredPart, "transposed">, isWhole: boolean): Omit<StoredPart, "transposed"> {
  const { storedColumns, rowStart, rowEnd, columnStart, columnEnd } = matrix;
  if (!isWhole && rowEnd - rowStart > 1) throw shapeError(weight, "a vector sliced on axis 0", "another axis");
  const first = rowStart * storedColumns + columnStart;
  const count = (rowEnd - rowStart) * (columnEnd - columnStart);
  return { storedColumns: rowEnd * storedColumns, rowStart: 0, rowEnd: 1, columnStart: first, columnEnd: first + count };
}

/** Cuts an origin that fills several matrices of a stack into one for each. */
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

type StoredPart = Pick<NativeOrigin, "storedColumns" | "rowStart" | "rowEnd" | "columnStart" | "columnEnd" | "transposed">;

function logicalSize({ rowStart, rowEnd, columnStart, columnEnd, transposed }: StoredPart) {
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
