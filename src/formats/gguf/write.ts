import { TsumugiError } from "../../errors.ts";
import { type GgmlTypeName, ggmlRowBytes, ggmlTypes } from "../../tensor/ggml/types.ts";
import type { GgufWriteValue } from "../../util/gguf-value.ts";

export { encodeGgml, type WritableGgmlType, writableTypes } from "../../tensor/ggml/encode.ts";
export type { GgufWriteValue } from "../../util/gguf-value.ts";

/** A tensor that is to be written. */
export interface GgufWriteTensor {
  name: string;
  type: GgmlTypeName;
  /** Row-major, e.g. [outputs, inputs]. */
  shape: readonly number[];
}

/** How a GGUF file is laid out. */
export interface GgufLayout {
  /** What the file begins with: everything before the first tensor. */
  header: Uint8Array;
  /** Where each tensor's data goes, in the order given; zeros fill up what is between, and the end. */
  places: readonly { offset: number; bytes: number }[];
  /** Size of the whole file. */
  bytes: number;
}

const alignment = 32;
const typeIds = { uint32: 4, int32: 5, float32: 6, bool: 7, string: 8, array: 9, uint64: 10 } as const;

/**
 * Lays out a GGUF file (version 3, little-endian): write `header`, then each tensor's data (`encodeGgml`) at its place.
 *
 * @param metadata by key; `general.architecture` must be there
 * @throws TsumugiError `invalid_input` for rows that are no whole blocks of the tensor's type
 * @example
 * ```ts
 * const tensors = [{ name: "token_embd.weight", type: "Q8_0", shape: [32, 64] }] as const;
 * const { header, places } = layOutGguf({ "general.architecture": { type: "string", value: "llama" } }, tensors);
 * await handle.write(header, 0);
 * await handle.write(encodeGgml(values, "Q8_0"), 0, places[0].bytes, places[0].offset);
 * ```
 */
export function layOutGguf(
  metadata: { readonly [key: string]: GgufWriteValue },
  tensors: readonly GgufWriteTensor[],
): GgufLayout {
  const sizes = tensors.map(({ name, type, shape }) => {
    const row = ggmlRowBytes(type, shape.at(-1) ?? 1);
    if (row !== undefined) return row * shape.slice(0, -1).reduce((product, dimension) => product * dimension, 1);
    const expected = `rows of whole blocks of ${ggmlTypes[type].block} values for ${type}`;
    throw new TsumugiError("invalid_input", { what: `Tensor ${name}`, expected, given: `[${shape}]` });
  });
  const bytes = new ByteWriter();
  bytes.text("GGUF");
  bytes.uint32(3);
  bytes.uint64(tensors.length);
  bytes.uint64(Object.keys(metadata).length);
  for (const [key, value] of Object.entries(metadata)) {
    bytes.string(key);
    writeValue(bytes, value);
  }
  let end = 0;
  const offsets = tensors.map(({ name, type, shape }, index) => {
    bytes.string(name);
    bytes.uint32(shape.length);
    for (const dimension of [...shape].reverse()) bytes.uint64(dimension);
    bytes.uint32(ggmlTypes[type].id);
    const offset = end;
    bytes.uint64(offset);
    end = aligned(offset + sizes[index]!);
    return offset;
  });
  bytes.pad(aligned(bytes.length));
  const header = bytes.done();
  const places = offsets.map((offset, index) => ({ offset: header.length + offset, bytes: sizes[index]! }));
  return { header, places, bytes: header.length + end };
}

/** A whole GGUF file in memory, for small ones. `data`: bytes of each tensor, in the order given. */
export function writeGguf(
  metadata: { readonly [key: string]: GgufWriteValue },
  tensors: readonly (GgufWriteTensor & { data: Uint8Array })[],
): Uint8Array {
  const { header, places, bytes } = layOutGguf(metadata, tensors);
  const out = new Uint8Array(bytes);
  out.set(header);
  for (const [index, { name, data }] of tensors.entries()) {
    const place = places[index]!;
    if (data.length !== place.bytes) {
      throw new TsumugiError("invalid_input", {
        what: `Data of ${name}`,
        expected: `${place.bytes} bytes`,
        given: data.length,
      });
    }
    out.set(data, place.offset);
  }
  return out;
}

function aligned(offset: number): number {
  return Math.ceil(offset / alignment) * alignment;
}

function writeValue(bytes: ByteWriter, given: GgufWriteValue): void {
  bytes.uint32(typeIds[given.type]);
  if (given.type === "string") bytes.string(given.value);
  else if (given.type === "bool") bytes.uint8(given.value ? 1 : 0);
  else if (given.type !== "array") bytes[given.type](given.value);
  else {
    bytes.uint32(typeIds[given.of]);
    bytes.uint64(given.values.length);
    if (given.of === "string") for (const value of given.values) bytes.string(value);
    else for (const value of given.values) bytes[given.of](value);
  }
}

/** Bytes that grow. */
class ByteWriter {
  #bytes = new Uint8Array(1 << 12);
  #view = new DataView(this.#bytes.buffer);
  length = 0;

  uint8(value: number): void {
    const at = this.#room(1);
    this.#view.setUint8(at, value);
  }

  uint32(value: number): void {
    const at = this.#room(4);
    this.#view.setUint32(at, value, true);
  }

  int32(value: number): void {
    const at = this.#room(4);
    this.#view.setInt32(at, value, true);
  }

  float32(value: number): void {
    const at = this.#room(4);
    this.#view.setFloat32(at, value, true);
  }

  uint64(value: number): void {
    const at = this.#room(8);
    this.#view.setBigUint64(at, BigInt(value), true);
  }

  string(value: string): void {
    const encoded = new TextEncoder().encode(value);
    this.uint64(encoded.length);
    const at = this.#room(encoded.length);
    this.#bytes.set(encoded, at);
  }

  text(value: string): void {
    const encoded = new TextEncoder().encode(value);
    const at = this.#room(encoded.length);
    this.#bytes.set(encoded, at);
  }

  pad(length: number): void {
    this.#room(length - this.length);
  }

  done(): Uint8Array {
    return this.#bytes.slice(0, this.length);
  }

  /** Where so many bytes begin that are free now. The buffer and its view may be others afterwards. */
  #room(bytes: number): number {
    const start = this.length;
    this.length += bytes;
    if (this.length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.length, this.#bytes.length * 2));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return start;
  }
}
