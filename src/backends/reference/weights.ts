import { TsumugiError } from "../../errors.ts";
import { type OriginRegion, originRegion } from "../../ops/origin.ts";
import type { LowRankChange, Weight, WeightOrigin } from "../../ops/program.ts";
import { quantiseInputs } from "../../tensor/bitsandbytes/inputs.ts";
import { decodeCodes } from "../../tensor/code-layout.ts";
import { roundTo, toFloat32 } from "../../tensor/convert.ts";
import { dtypeBytes, elementCount, type FloatDType } from "../../tensor/dtype.ts";
import { throughInt8 } from "../../tensor/int8-products.ts";
import { applyLowRank, type LowRankNumbers } from "../../tensor/low-rank.ts";
import { quantiserNamed } from "../../tensor/quantisers/index.ts";
import type { QuantiserParameters } from "../../tensor/quantisers/quantiser.ts";
import { checkReadable } from "../../tensor/readable.ts";
import { decodeStorage, isStoredByRows, type StorageBytes, storageTensors, type TensorStorage } from "../../tensor/storage.ts";
import type { TensorInfo, WeightSource } from "../backend.ts";
import { holdingCodes, isPlain, type WeightHolding } from "../weight-holding.ts";

/** A weight of a session. */
export interface ReferenceWeight {
  /** Gives its values, row-major. Each call makes them anew where the weight is held in blocks of codes. */
  values(): Float32Array;
  /** What the values are rounded to. */
  type: FloatDType;
  /** What a product reads in place of rows of x. Absent: x. */
  input?: (x: Float32Array) => Float32Array;
}

/** Reads a tensor of the source, from memory or from its file. */
async function readTensor(source: WeightSource, name: string): Promise<Uint8Array> {
  const place = source.locate(name);
  if (place instanceof Uint8Array) return place;
  if (!source.read)
    throw new TsumugiError("invalid_input", { what: "The weight source", expected: "one that can `read`", given: place });
  return source.read(name);
}

/**
 * Loads a weight: its float32 values, or the blocks of codes that the holding says. Matrices of plain numbers are rounded to
 * the holding's type; vectors (norms, biases) to `vectors`.
 */
export async function loadWeight(
  weight: Weight,
  source: WeightSource,
  tensors: ReadonlyMap<string, TensorInfo>,
  holding: WeightHolding,
  vectors: FloatDType,
): Promise<ReferenceWeight> {
  const loaded = await loadValues(weight, source, tensors, holding, vectors);
  const { int8Threshold, arithmetic } = holding;
  const columns = weight.shape.at(-1)!;
  if (int8Threshold !== undefined) return { ...loaded, input: (x) => quantiseInputs(x, columns, int8Threshold) };
  const layout = arithmetic === "int8" ? holdingCodes(weight, holding) : undefined;
  if (!layout || layout.permuted) return loaded;
  return { ...loaded, input: (x) => throughInt8(x, columns, layout.group === "row" ? columns : layout.group) };
}

async function loadValues(
  weight: Weight,
  source: WeightSource,
  tensors: ReadonlyMap<string, TensorInfo>,
  holding: WeightHolding,
  vectors: FloatDType,
): Promise<ReferenceWeight> {
  const reader = new OriginReader(source, tensors);
  if (holding.quantise) return quantised(weight, reader, holding, holding.quantise);
  if (!isPlain(holding)) {
    const parts: CodedPart[] = [];
    for (const origin of weight.from) parts.push(await reader.codes(origin));
    const decode = ({ storage, bytes, region }: CodedPart) => {
      const decoded = decodeStorage(storage, bytes);
      return region ? place(decoded, region, false) : decoded;
    };
    return { values: () => roundTo(joined(weight, parts.map(decode)), valueType(holding)), type: valueType(holding) };
  }
  const parts: Float32Array[] = [];
  for (const origin of weight.from) parts.push(await reader.values(origin));
  const isVector = weight.uses.includes("vector");
  const type = isVector ? (weight.type ?? vectors) : holding.storage;
  const values = roundTo(joined(weight, parts), type);
  return { values: () => values, type };
}

/** What codes are rounded to; those that meet integers are not, though kernels round the values of NF4 and FP4 to bytes. */
function valueType({ arithmetic }: WeightHolding): FloatDType {
  return arithmetic === "int8" ? "float32" : arithmetic;
}

/** Codes are made of each origin's whole matrix, since blocks of some quantisers run on from row to row. */
async function quantised(
  weight: Weight,
  reader: OriginReader,
  holding: WeightHolding,
  parameters: QuantiserParameters,
): Promise<ReferenceWeight> {
  const quantiser = quantiserNamed(holding.quantiser ?? holding.storage)!;
  const parts: Float32Array[] = [];
  for (const origin of weight.from) {
    const { transpose = false, tensor, change } = origin;
    const turned = parameters.inputsFirst ?? transpose;
    const stored = { tensor, ...(change && { change }) };
    const [rows, columns] = reader.shapeOf(tensor) as [number, number];
    const matrix = turned ? await reader.values({ ...stored, transpose: true }) : await reader.values(stored);
    const width = turned ? rows : columns;
    const made = decodeCodes(quantiser.layout(parameters, width)!, quantiser.quantise(matrix, width, parameters));
    const exchange = { before: 0, storedColumns: width, rowStart: 0, rowEnd: matrix.length / width };
    const back = turned ? place(made, { shape: [], ...exchange, columnStart: 0, columnEnd: width }, true) : made;
    parts.push(place(back, regionOf(origin, [rows, columns]), transpose));
  }
  const type = valueType(holding);
  const values = roundTo(joined(weight, parts), type);
  return { values: () => values, type };
}

/** Codes that an origin takes, and the part of their values that it takes where the codes could not be cut. */
interface CodedPart {
  storage: TensorStorage;
  bytes: StorageBytes;
  region?: OriginRegion;
}

function joined({ name, shape }: Weight, parts: readonly Float32Array[]): Float32Array {
  const total = parts.reduce((sum, part) => sum + part.length, 0);
  const expected = elementCount(shape);
  if (total !== expected) {
    throw new TsumugiError("weight_shape", { name, expected: `[${shape}]`, given: `${total} values` });
  }
  const values = new Float32Array(total);
  let at = 0;
  for (const part of parts) {
    values.set(part, at);
    at += part.length;
  }
  return values;
}

/**
 * Reads what the origins of one weight take. Many of them may be parts of one tensor, so it keeps the bytes of codes until the
 * weight is loaded, and the tensor that was decoded last.
 */
class OriginReader {
  readonly #source: WeightSource;
  readonly #tensors: ReadonlyMap<string, TensorInfo>;
  readonly #read = new Map<string, Uint8Array>();
  #decoded: { name: string; change: LowRankChange | undefined; values: Float32Array } | undefined;

  constructor(source: WeightSource, tensors: ReadonlyMap<string, TensorInfo>) {
    this.#source = source;
    this.#tensors = tensors;
  }

  /** Shape of a stored tensor. */
  shapeOf(tensor: string): readonly number[] {
    return this.#info(tensor).shape;
  }

  /** The values that an origin gives. */
  async values(origin: WeightOrigin): Promise<Float32Array> {
    const { tensor, storage } = origin;
    const shape = storage?.shape ?? this.#info(tensor).shape;
    const { change } = origin;
    if (this.#decoded?.name !== tensor || this.#decoded.change !== change) {
      this.#decoded = { name: tensor, change, values: await this.#decode(origin) };
    }
    return place(this.#decoded.values, regionOf(origin, shape), origin.transpose ?? false);
  }

  /** The codes, and all that goes with them, that an origin of whole rows takes. */
  async codes(origin: WeightOrigin): Promise<CodedPart> {
    const storage = origin.storage!;
    const region = regionOf(origin, storage.shape);
    const bytes: { [role: string]: Uint8Array } = {};
    if (!isStoredByRows(storage)) {
      for (const { role, tensor } of storageTensors(storage)) bytes[role] = await this.#bytes(tensor);
      return { storage, bytes, region };
    }
    const { before, storedColumns, rowStart, rowEnd } = region;
    const first = before / storedColumns;
    const rows = elementCount(storage.shape) / storedColumns;
    for (const { role, tensor } of storageTensors(storage)) {
      const { shape, dtype } = this.#info(tensor);
      const rowBytes = (elementCount(shape) * dtypeBytes(dtype)) / rows;
      bytes[role] = (await this.#bytes(tensor)).slice((first + rowStart) * rowBytes, (first + rowEnd) * rowBytes);
    }
    return { storage: { ...storage, shape: [rowEnd - rowStart, storedColumns] }, bytes };
  }

  async #decode({ tensor, storage, change }: WeightOrigin): Promise<Float32Array> {
    if (!storage) {
      const values = await this.#plain(tensor);
      if (change) applyLowRank(values, await this.#numbersOf(change));
      return values;
    }
    const bytes: { [role: string]: Uint8Array } = {};
    for (const { role, tensor: part } of storageTensors(storage)) bytes[role] = await readTensor(this.#source, part);
    return decodeStorage(storage, bytes);
  }

  /** The numbers of a tensor, for the caller to keep. */
  async #plain(tensor: string): Promise<Float32Array> {
    const { dtype } = this.#info(tensor);
    checkReadable(tensor, dtype);
    return toFloat32(await readTensor(this.#source, tensor), dtype);
  }

  async #numbersOf({ down, up, scale, exchanged = false, magnitude }: LowRankChange): Promise<LowRankNumbers> {
    return {
      down: await this.#plain(down),
      up: await this.#plain(up),
      rank: this.#info(up).shape.at(-1)!,
      scale,
      exchanged,
      ...(magnitude !== undefined && { magnitude: await this.#plain(magnitude) }),
    };
  }

  async #bytes(tensor: string): Promise<Uint8Array> {
    const known = this.#read.get(tensor);
    if (known) return known;
    const bytes = await readTensor(this.#source, tensor);
    this.#read.set(tensor, bytes);
    return bytes;
  }

  #info(tensor: string): TensorInfo {
    const info = this.#tensors.get(tensor);
    if (!info) throw new TsumugiError("tensor_missing", { name: tensor });
    return info;
  }
}

function regionOf(origin: WeightOrigin, shape: readonly number[]): OriginRegion {
  const region = originRegion(origin, shape);
  if (region) return region;
  throw new TsumugiError("weight_shape", {
    name: origin.tensor,
    expected: "the part that is taken of it",
    given: `[${shape}]`,
  });
}

/** Copies the rows and columns of a region. They are transposed where the origin says so. */
function place(values: Float32Array, region: OriginRegion, transpose: boolean): Float32Array {
  const { before, storedColumns, rowStart, rowEnd, columnStart, columnEnd } = region;
  const [rows, columns] = [rowEnd - rowStart, columnEnd - columnStart];
  const at = (row: number) => before + (rowStart + row) * storedColumns + columnStart;
  if (!transpose && columns === storedColumns) return values.subarray(at(0), at(rows));
  const result = new Float32Array(rows * columns);
  for (let r = 0; r < rows; r++) {
    const line = values.subarray(at(r), at(r) + columns);
    if (!transpose) result.set(line, r * columns);
    else for (let c = 0; c < columns; c++) result[c * rows + r] = line[c]!;
  }
  return result;
}
