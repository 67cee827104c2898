import { TsumugiError } from "../errors.ts";
import { type DType, dtypeBytes, elementCount } from "../tensor/dtype.ts";
import { describeForeignFile } from "../util/foreign-file.ts";
import type { TensorInfo } from "./checkpoint.ts";
import { findDuplicateKey } from "./duplicate-key.ts";

/** The longest header that is read, in bytes. The Rust library has the same limit. */
const maxHeaderBytes = 100_000_000;

/** Bytes before the header. They hold its length as a little-endian 64-bit integer. */
export const lengthBytes = 8;

/** All types that the Rust library knows. Not every one can be computed with: that is refused where a weight has it. */
const dtypes: Record<string, DType> = {
  F64: "float64",
  F32: "float32",
  F16: "float16",
  BF16: "bfloat16",
  F8_E4M3: "float8_e4m3fn",
  F8_E5M2: "float8_e5m2",
  F8_E4M3FNUZ: "float8_e4m3fnuz",
  F8_E5M2FNUZ: "float8_e5m2fnuz",
  F8_E8M0: "float8_e8m0fnu",
  F6_E2M3: "float6_e2m3",
  F6_E3M2: "float6_e3m2",
  F4: "float4_e2m1",
  C64: "complex64",
  I64: "int64",
  I32: "int32",
  I16: "int16",
  I8: "int8",
  U64: "uint64",
  U32: "uint32",
  U16: "uint16",
  U8: "uint8",
  BOOL: "bool",
};

/** Names of types in files. */
export const dtypeNames = Object.fromEntries(Object.entries(dtypes).map(([name, dtype]) => [dtype, name])) as Record<
  DType,
  string
>;

/** A tensor and where its data starts in the file. */
export interface LocatedTensor extends TensorInfo {
  offset: number;
}

/**
 * Reads the header of a safetensors file: all its tensors, by name.
 *
 * @param start the first bytes of the file, `foreignFileBytes` of them where it has as many
 * @throws TsumugiError as `headerLength` and `parseHeader`; `safetensors_foreign` where the file is of another kind
 */
export async function readHeader(
  file: string,
  start: Uint8Array,
  fileBytes: number,
  read: (offset: number, bytes: number) => Promise<Uint8Array>,
): Promise<Map<string, LocatedTensor>> {
  try {
    const length = headerLength(start, fileBytes, file);
    const tensors = parseHeader(await read(lengthBytes, length), fileBytes, file);
    return new Map(tensors.map((tensor) => [tensor.name, tensor]));
  } catch (error) {
    if (TsumugiError.isInstance(error) && error.code === "safetensors_pointer") throw error;
    const reason = describeForeignFile(start);
    throw reason === undefined ? error : new TsumugiError("safetensors_foreign", { file, reason }, { cause: error });
  }
}

/** Tensors of a file by name, which is the order in which the Rust library gives them. */
export function inOrder(tensors: ReadonlyMap<string, LocatedTensor>): LocatedTensor[] {
  return [...tensors.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * Reads the header's length from the first 8 bytes of a safetensors file.
 *
 * @throws TsumugiError `safetensors_truncated`, `safetensors_header_too_long`, `safetensors_pointer`.
 */
export function headerLength(start: Uint8Array, fileBytes: number, file: string): number {
  if (start.length < lengthBytes || fileBytes < lengthBytes) {
    throw new TsumugiError("safetensors_truncated", { file, expected: `at least ${lengthBytes} bytes`, given: fileBytes });
  }
  // a pointer's first line is "version https://git-lfs.github.com/spec/v1"
  if (new TextDecoder().decode(start.subarray(0, lengthBytes)) === "version ")
    throw new TsumugiError("safetensors_pointer", { file });
  const length = new DataView(start.buffer, start.byteOffset, lengthBytes).getBigUint64(0, true);
  if (length > BigInt(maxHeaderBytes)) {
    throw new TsumugiError("safetensors_header_too_long", { file, limit: maxHeaderBytes, given: length.toString() });
  }
  if (Number(length) > fileBytes - lengthBytes) {
    throw new TsumugiError("safetensors_truncated", {
      file,
      expected: `a header of ${length} bytes (is it cut off, a download that did not finish?)`,
      given: fileBytes,
    });
  }
  return Number(length);
}

/** Tensors of one file at most: reading their entries takes seconds. The largest models have a hundred thousand in all their shards. */
const mostTensors = 200_000;

/**
 * Reads the header of a safetensors file and refuses everything that is not exactly right before a byte of data is
 * trusted: tensors lie side by side from the end of the header to the end of the file, each as long as shape × dtype.
 * Data need not be aligned to its element size (the format does not ask for it); readers must not assume it.
 *
 * @param header - The bytes after the length, `headerLength` of them.
 * @param fileBytes - Size of the whole file.
 * @throws TsumugiError `safetensors_json`, `safetensors_too_many`, `safetensors_duplicate_key`, `safetensors_entry`, `safetensors_dtype`,
 *   `safetensors_shape`, `safetensors_size`, `safetensors_offsets`.
 * @see https://github.com/huggingface/safetensors#format
 */
export function parseHeader(header: Uint8Array, fileBytes: number, file: string): LocatedTensor[] {
  if (header[0] !== 0x7b) throw new TsumugiError("safetensors_json", { file, reason: "the header does not begin with {" });
  const json = parseJsonObject(header, file);
  const dataStart = lengthBytes + header.length;
  const tensors: LocatedTensor[] = [];
  const count = Object.keys(json).length;
  if (count > mostTensors) throw new TsumugiError("safetensors_too_many", { file, limit: mostTensors, given: count });
  for (const [name, entry] of Object.entries(json)) {
    if (name === "__metadata__") checkMetadata(entry, file);
    else tensors.push(parseEntry(name, entry, dataStart, file));
  }
  checkLayout(tensors, dataStart, fileBytes, file);
  return tensors;
}

/** Parses bytes as strict UTF-8 that holds one JSON object without double keys, as the Rust library does. */
function parseJsonObject(bytes: Uint8Array, file: string): Record<string, unknown> {
  let text: string;
  let json: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    json = JSON.parse(text);
  } catch (cause) {
    throw new TsumugiError("safetensors_json", { file, reason: (cause as Error).message }, { cause });
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new TsumugiError("safetensors_json", { file, reason: "it is not an object" });
  }
  const key = findDuplicateKey(text);
  if (key !== undefined) throw new TsumugiError("safetensors_duplicate_key", { file, key });
  return json as Record<string, unknown>;
}

function checkMetadata(entry: unknown, file: string): void {
  const valid =
    typeof entry === "object" &&
    entry !== null &&
    !Array.isArray(entry) &&
    Object.values(entry).every((v) => typeof v === "string");
  if (!valid)
    throw new TsumugiError("safetensors_entry", {
      file,
      tensor: "__metadata__",
      expected: "an object of strings",
      given: entry,
    });
}

function parseEntry(name: string, entry: unknown, dataStart: number, file: string): LocatedTensor {
  const fail = (expected: string, given: unknown): never => {
    throw new TsumugiError("safetensors_entry", { file, tensor: name, expected, given });
  };
  if (typeof entry !== "object" || entry === null || Array.isArray(entry)) fail("an object", entry);
  const { dtype: dtypeName, shape, data_offsets: offsets, ...rest } = entry as Record<string, unknown>;
  if (Object.keys(rest).length > 0) fail("only dtype, shape and data_offsets", Object.keys(rest));
  const dtype = typeof dtypeName === "string" && Object.hasOwn(dtypes, dtypeName) ? dtypes[dtypeName] : undefined;
  if (!dtype)
    throw new TsumugiError("safetensors_dtype", {
      file,
      tensor: name,
      given: dtypeName,
      supported: Object.keys(dtypes).join(", "),
    });
  if (!isCounts(shape)) throw new TsumugiError("safetensors_shape", { file, tensor: name, given: shape });
  const bytes = elementCount(shape) * dtypeBytes(dtype);
  // a zero may hide an overflow that comes before it
  const largest = shape.reduce((product, dimension) => product * Math.max(dimension, 1), Math.max(1, dtypeBytes(dtype)));
  // values of less than a byte must fill whole bytes together
  if (!Number.isSafeInteger(largest) || !Number.isSafeInteger(bytes))
    throw new TsumugiError("safetensors_shape", { file, tensor: name, given: shape });
  if (!isCounts(offsets) || offsets.length !== 2 || offsets[0]! > offsets[1]!) {
    throw new TsumugiError("safetensors_offsets", { file, tensor: name, expected: "0 ≤ start ≤ end", given: offsets });
  }
  const [start, end] = [offsets[0]!, offsets[1]!];
  if (end - start !== bytes)
    throw new TsumugiError("safetensors_size", { file, tensor: name, expected: bytes, given: end - start });
  return { name, dtype, shape, bytes, offset: dataStart + start };
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

/** Checks that tensors do not overlap, leave no hole, and that the last one ends with the file. */
function checkLayout(tensors: readonly LocatedTensor[], dataStart: number, fileBytes: number, file: string): void {
  let end = dataStart;
  for (const { name, offset, bytes } of [...tensors].sort((a, b) => a.offset - b.offset || a.bytes - b.bytes)) {
    if (offset !== end) {
      const expected = `a start at ${end - dataStart} (tensors lie side by side)`;
      throw new TsumugiError("safetensors_offsets", { file, tensor: name, expected, given: offset - dataStart });
    }
    end += bytes;
    if (end > fileBytes) {
      throw new TsumugiError("safetensors_offsets", {
        file,
        tensor: name,
        expected: `an end within the file (${fileBytes} bytes; is it cut off, a download that did not finish?)`,
        given: end,
      });
    }
  }
  if (end !== fileBytes) {
    throw new TsumugiError("safetensors_offsets", {
      file,
      tensor: "the last",
      expected: `an end at the file's end, ${fileBytes}`,
      given: end,
    });
  }
}
