import { TsumugiError } from "../../errors.ts";
import { toFloat32 } from "../../tensor/convert.ts";
import { ggmlRowBytes, ggmlTypes, isReadableType } from "../../tensor/ggml/types.ts";
import { pairedRow } from "../../tensor/storages/ggml.ts";
import type { TensorInfo } from "../checkpoint.ts";
import type { GgufStoredTensor } from "../quantised/gguf.ts";
import type { GgufArchitecture, TensorPlace } from "./architecture.ts";
import type { GgufFields } from "./fields.ts";
import type { GgufTensor } from "./header.ts";

/** A tensor in one of the files of a model. */
export interface PartTensor extends GgufTensor {
  /** Number of the file. */
  part: number;
}

/** A tensor by the name that the model has for it: a range of a file, or values that were computed. */
export interface PlacedTensor {
  info: TensorInfo;
  place: { part: number; offset: number } | Float32Array;
  /** How it is stored, where it is not plain numbers as the model has them. */
  stored?: GgufStoredTensor;
}

type Unnamed = Omit<PlacedTensor, "info"> & { info: Omit<TensorInfo, "name"> };

type ReadTensor = (tensor: PartTensor) => Promise<Uint8Array>;

/** Tensors of a checkpoint at most, experts counted one by one. */
const mostTensors = 400_000;

/** Values of a vector at most that is computed anew. */
const longestVector = 1 << 24;

const plainTypes = { F32: "float32", F16: "float16", BF16: "bfloat16" } as const;

/** The tensors of a model's files, as the model of transformers has them. */
export class PlacedTensors {
  readonly #fields: GgufFields;
  readonly #placed = new Map<string, PlacedTensor>();
  readonly #turns = new Map<string, { even?: PartTensor; odd?: PartTensor }>();

  constructor(fields: GgufFields) {
    this.#fields = fields;
  }

  /** @throws TsumugiError `gguf_invalid`, `gguf_unsupported` */
  async place(
    architecture: GgufArchitecture,
    config: Record<string, unknown>,
    tensors: Iterable<PartTensor>,
    read: ReadTensor,
  ): Promise<ReadonlyMap<string, PlacedTensor>> {
    for (const tensor of tensors) {
      const place = architecture.place(tensor, config);
      if (place === undefined) continue;
      if (!isReadableType(tensor.type)) {
        this.#fields.refuse(`the type of tensor ${tensor.name}`, tensor.type, Object.keys(ggmlTypes).join(", "));
      }
      if (place.turn !== undefined) {
        this.#turns.set(place.name, { ...this.#turns.get(place.name), [place.turn]: tensor });
        if (place.turn === "odd") await this.#placeTurns(place, this.#turns.get(place.name)!, read);
      } else if (place.experts) this.#placeExperts(tensor, place);
      else if (isVector(tensor, place)) await this.#placeVector(tensor, place, read);
      else this.#add(place.name, matrix(tensor, place));
    }
    return this.#placed;
  }

  #add(name: string, placed: Unnamed): void {
    if (this.#placed.has(name)) this.#fail(`two of its tensors are ${name}`);
    if (this.#placed.size >= mostTensors) this.#fail(`it has more than ${mostTensors} tensors, experts counted one by one`);
    this.#placed.set(name, { ...placed, info: { ...placed.info, name } });
  }

  /** One tensor for each expert, each a range of the whole. */
  #placeExperts(tensor: PartTensor, place: TensorPlace): void {
    const [experts, ...shape] = tensor.shape as [number, ...number[]];
    if (shape.length === 0) this.#fail(`tensor ${tensor.name} must have an axis of experts`);
    const bytes = tensor.bytes / experts;
    for (let expert = 0; expert < experts; expert++) {
      const one = { ...tensor, shape, bytes, offset: tensor.offset + expert * bytes };
      this.#add(place.name.replace("{e}", String(expert)), matrix(one, place));
    }
  }

  async #placeVector(tensor: PartTensor, { name, add, heads }: TensorPlace, read: ReadTensor): Promise<void> {
    if (add === undefined && heads === undefined) return this.#add(name, plain(tensor, this.#plainType(tensor)));
    const values = await this.#values(tensor, read);
    const rows = values.length / (heads ?? 1);
    const computed = values.map((value, index) => (heads ? values[pairedRow(index, rows)]! : value) + (add ?? 0));
    this.#add(name, computedOf(computed, tensor.shape));
  }

  /** Two tensors whose rows are one's even and odd ones. */
  async #placeTurns(
    place: TensorPlace,
    { even, odd }: { even?: PartTensor; odd?: PartTensor },
    read: ReadTensor,
  ): Promise<void> {
    if (!even || !odd) return this.#fail(`it has only one of the two tensors that make ${place.name}`);
    const isSame = even.type === odd.type && even.shape.join() === odd.shape.join();
    if (!isSame) return this.#fail(`tensors ${even.name} and ${odd.name} must have one type and shape`);
    const shape = even.shape.with(place.transposed ? -2 : -1, 2 * even.shape.at(place.transposed ? -2 : -1)!);
    if (!place.transposed) {
      const [first, second] = [await this.#values(even, read), await this.#values(odd, read)];
      const both = Float32Array.from({ length: 2 * first.length }, (_, i) => (i % 2 === 0 ? first : second)[i >> 1]!);
      return this.#add(place.name, computedOf(both, shape));
    }
    const other = `${place.name}:odd`;
    const { stored, ...placed } = matrix(even, { ...place, transposed: true });
    this.#add(other, { info: blocksInfo(odd), place: { part: odd.part, offset: odd.offset } });
    this.#add(place.name, { ...placed, stored: { ...stored!, shape, odd: other } });
  }

  async #values(tensor: PartTensor, read: ReadTensor): Promise<Float32Array> {
    const type = this.#plainType(tensor);
    const count = tensor.shape.reduce((product, dimension) => product * dimension, 1);
    if (count > longestVector) this.#fail(`tensor ${tensor.name} has ${count} values, and ${longestVector} are the most`);
    return toFloat32(await read(tensor), type);
  }

  #plainType({ name, type }: PartTensor): (typeof plainTypes)[keyof typeof plainTypes] {
    if (Object.hasOwn(plainTypes, type)) return plainTypes[type as keyof typeof plainTypes];
    return this.#fields.refuse(`the type of the vector ${name}`, type, Object.keys(plainTypes).join(", "));
  }

  #fail(reason: string): never {
    throw new TsumugiError("gguf_invalid", { file: this.#fields.file, reason });
  }
}

function isVector({ shape }: PartTensor, { name }: TensorPlace): boolean {
  return shape.length < 2 || /[._]bias$/.test(name);
}

function plain({ shape, bytes, part, offset }: PartTensor, dtype: TensorInfo["dtype"]) {
  return { info: { dtype, shape, bytes }, place: { part, offset } };
}

function computedOf(values: Float32Array, shape: readonly number[]) {
  return { info: { dtype: "float32" as const, shape, bytes: values.byteLength }, place: values };
}

function blocksInfo({ shape, type, bytes }: PartTensor) {
  const rowBytes = isReadableType(type) ? ggmlRowBytes(type, shape.at(-1)!)! : 0;
  return { dtype: "uint8" as const, shape: [...shape.slice(0, -1), rowBytes], bytes };
}

/** A matrix: plain numbers where the model has them as they are, else as a storage. */
function matrix(tensor: PartTensor, { transposed, heads }: TensorPlace): Unnamed {
  const { type, shape, part, offset } = tensor;
  const isPlain = Object.hasOwn(plainTypes, type);
  if (isPlain && !transposed && heads === undefined) return plain(tensor, plainTypes[type as keyof typeof plainTypes]);
  const stored: GgufStoredTensor = {
    ...{ type: type as keyof typeof ggmlTypes, shape },
    ...(transposed && { transposed }),
    ...(heads !== undefined && { heads }),
  };
  return { info: blocksInfo(tensor), place: { part, offset }, stored };
}
