import { ggmlTypeOf } from "../../tensor/ggml/types.ts";
import { foreignFileBytes } from "../../util/foreign-file.ts";
import { HeaderCursor, type ReadRange } from "./header-cursor.ts";

/** A value of the metadata. Whole numbers beyond 2^53 are bigints. */
export type GgufValue = string | number | bigint | boolean | readonly GgufValue[];

/** A tensor of a GGUF file. */
export interface GgufTensor {
  name: string;
  /** Name of its type, e.g. "Q4_K". */
  type: string;
  /** Row-major: the last axis is the one that blocks lie along. */
  shape: readonly number[];
  /** Where its data begins in the file. */
  offset: number;
  /** Size of its data. */
  bytes: number;
}

export interface GgufHeader {
  version: number;
  metadata: ReadonlyMap<string, GgufValue>;
  tensors: readonly GgufTensor[];
}

const most = { pairs: 65_536, tensors: 200_000, dimensions: 4, entries: 4_194_304, depth: 3, string: 67_108_864, key: 65_535 };

/** The types of values, by their numbers. */
const valueTypes = ["u8", "i8", "u16", "i16", "u32", "i32", "f32", "bool", "string", "array", "u64", "i64", "f64"] as const;
type ValueType = (typeof valueTypes)[number];

/** Bytes that a value of a type takes at least. */
const leastBytes: { readonly [Type in ValueType]: number } = {
  ...{ u8: 1, i8: 1, u16: 2, i16: 2, u32: 4, i32: 4, f32: 4, bool: 1, string: 8, array: 12, u64: 8, i64: 8, f64: 8 },
};

/**
 * Reads the header of a GGUF file: metadata, and where its tensors are. Everything that the file says of sizes is held against
 * the file's own size and fixed limits before memory is taken in proportion to it.
 *
 * @throws TsumugiError `gguf_invalid`, `gguf_unsupported` (other versions, big-endian files)
 * @see https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 */
export async function readGgufHeader(file: string, fileBytes: number, read: ReadRange): Promise<GgufHeader> {
  const cursor: HeaderCursor = new HeaderCursor(file, fileBytes, read);
  const version = await readVersion(cursor);
  const tensorCount = await cursor.count("the number of tensors", most.tensors, 24);
  const pairs = await cursor.count("the number of metadata entries", most.pairs, 13);
  const metadata = new Map<string, GgufValue>();
  for (let i = 0; i < pairs; i++) {
    const key = await cursor.string(`the name of metadata entry ${i + 1}`, most.key);
    if (metadata.has(key)) cursor.fail(`metadata \`${key}\` is there twice`);
    metadata.set(key, await readValue(cursor, await valueType(cursor, key), key, 0));
  }
  const alignment = metadata.get("general.alignment") ?? 32;
  if (typeof alignment !== "number" || !(alignment >= 8 && alignment <= 65_536) || (alignment & (alignment - 1)) !== 0) {
    cursor.fail(`\`general.alignment\` must be a power of two from 8 to 65536, and is ${String(alignment)}`);
  }
  const listed: GgufTensor[] = [];
  for (let i = 0; i < tensorCount; i++) listed.push(await readTensor(cursor, i));
  const start = Math.ceil(cursor.position / alignment) * alignment;
  const tensors = listed.map((tensor) => ({ ...tensor, offset: start + tensor.offset }));
  checkPlaces(cursor, tensors, start, alignment, fileBytes);
  return { version, metadata, tensors };
}

async function readVersion(cursor: HeaderCursor): Promise<number> {
  const start = await cursor.peek(foreignFileBytes);
  if (new TextDecoder("latin1").decode(start.subarray(0, 4)) !== "GGUF") cursor.failForeign(start);
  await cursor.skip(4);
  const version = await cursor.number("u32");
  const swapped = ((version & 255) << 24) | ((version & 0xff00) << 8) | ((version >>> 8) & 0xff00) | (version >>> 24);
  const supported = "versions 2 and 3, little-endian";
  if (swapped > 0 && swapped < 16) cursor.refuse("a big-endian GGUF file", `version ${swapped}`, supported);
  if (version !== 2 && version !== 3) cursor.refuse("this version of GGUF", version, supported);
  return version;
}

async function valueType(cursor: HeaderCursor, key: string): Promise<ValueType> {
  const number = await cursor.number("u32");
  return valueTypes[number] ?? cursor.fail(`metadata \`${key}\` has a value of the unknown type ${number}`);
}

async function readValue(cursor: HeaderCursor, type: ValueType, key: string, depth: number): Promise<GgufValue> {
  if (type === "string") return cursor.string(`metadata \`${key}\``, most.string);
  if (type === "bool") return (await cursor.number("u8")) !== 0;
  if (type !== "array") return cursor.number(type);
  if (depth >= most.depth) return cursor.fail(`metadata \`${key}\` has lists inside lists, more than ${most.depth} deep`);
  const inner = await valueType(cursor, key);
  const count = await cursor.count(`the length of metadata \`${key}\``, most.entries, leastBytes[inner]);
  cursor.countEntries(count);
  const values: GgufValue[] = [];
  for (let i = 0; i < count; i++) {
    const ready = inner === "string" ? cursor.stringNow() : undefined;
    values.push(ready ?? (await readValue(cursor, inner, key, depth + 1)));
  }
  return values;
}

/** A tensor with its offset from where data begins. */
async function readTensor(cursor: HeaderCursor, index: number): Promise<GgufTensor> {
  const name = await cursor.string(`the name of tensor ${index + 1}`, most.key);
  const dimensions = await cursor.number("u32");
  if (dimensions > most.dimensions) cursor.fail(`tensor ${name} has ${dimensions} dimensions; ${most.dimensions} are the most`);
  const shape: number[] = [];
  for (let i = 0; i < dimensions; i++) shape.unshift(await cursor.size(`a dimension of tensor ${name}`));
  const id = await cursor.number("u32");
  const type = ggmlTypeOf(id) ?? cursor.fail(`tensor ${name} has the unknown type ${id}`);
  const values = shape.reduce((product, dimension) => product * dimension, 1);
  const columns = shape.at(-1) ?? 1;
  if (shape.some((dimension) => dimension === 0)) cursor.fail(`tensor ${name} has no values: its shape is [${shape}]`);
  if (columns % type.block !== 0) {
    cursor.fail(`rows of tensor ${name} have ${columns} values, which are no whole blocks of ${type.block} (${type.name})`);
  }
  const bytes = (values / type.block) * type.bytes;
  if (!Number.isSafeInteger(bytes)) cursor.fail(`tensor ${name} is too large: its shape is [${shape}]`);
  return { name, type: type.name, shape, offset: await cursor.size(`the offset of tensor ${name}`), bytes };
}

/** Tensors begin where they may, end in the file, do not overlap, and each has a name of its own. */
function checkPlaces(
  cursor: HeaderCursor,
  tensors: readonly GgufTensor[],
  start: number,
  alignment: number,
  fileBytes: number,
): void {
  const names = new Set<string>();
  let end = start;
  for (const { name, offset, bytes } of [...tensors].sort((a, b) => a.offset - b.offset)) {
    if (names.has(name)) cursor.fail(`tensor ${name} is there twice`);
    names.add(name);
    if ((offset - start) % alignment !== 0) cursor.fail(`tensor ${name} does not begin at a multiple of ${alignment}`);
    if (offset < end) cursor.fail(`tensor ${name} overlaps the one before it`);
    end = offset + bytes;
    if (end <= fileBytes) continue;
    const reason = `tensor ${name} ends at ${end}, and the file at ${fileBytes}: is it cut off, a download that did not finish?`;
    cursor.fail(reason);
  }
}
