import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { TsumugiError } from "../errors.ts";
import { findDuplicateKey } from "./duplicate-key.ts";
import { openCheckpoint, openSafetensors } from "./file-reader.ts";
import { headerLength, parseHeader } from "./safetensors.ts";

/** A file of this header and this many bytes of data. */
function fileOf(header: unknown, data: number | Uint8Array): Uint8Array {
  const text = typeof header === "string" ? header : JSON.stringify(header);
  const json = new TextEncoder().encode(text);
  const bytes = typeof data === "number" ? Uint8Array.from({ length: data }, (_, i) => i % 256) : data;
  const file = new Uint8Array(8 + json.length + bytes.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
  file.set(json, 8);
  file.set(bytes, 8 + json.length);
  return file;
}

function parse(file: Uint8Array) {
  const length = headerLength(file.subarray(0, 8), file.length, "x");
  return parseHeader(file.subarray(8, 8 + length), file.length, "x");
}

const two = {
  __metadata__: { format: "pt" },
  a: { dtype: "F32", shape: [2, 3], data_offsets: [0, 24] },
  b: { dtype: "BF16", shape: [4], data_offsets: [24, 32] },
};
const one = (entry: Record<string, unknown>) => ({ a: { dtype: "F32", shape: [2], data_offsets: [0, 8], ...entry } });

describe("parseHeader", () => {
  it("places every tensor", () => {
    const dataStart = 8 + JSON.stringify(two).length;
    expect(parse(fileOf(two, 32))).toEqual([
      { name: "a", dtype: "float32", shape: [2, 3], bytes: 24, offset: dataStart },
      { name: "b", dtype: "bfloat16", shape: [4], bytes: 8, offset: dataStart + 24 },
    ]);
  });

  it.each([
    ["F64", 8],
    ["F32", 4],
    ["F16", 2],
    ["BF16", 2],
    ["F8_E4M3", 1],
    ["F8_E5M2", 1],
    ["I64", 8],
    ["I32", 4],
    ["I16", 2],
    ["I8", 1],
    ["U64", 8],
    ["U32", 4],
    ["U16", 2],
    ["U8", 1],
    ["BOOL", 1],
  ])("knows %s", (dtype, bytes) => {
    expect(parse(fileOf({ a: { dtype, shape: [3], data_offsets: [0, 3 * bytes] } }, 3 * bytes))[0]!.bytes).toBe(3 * bytes);
  });

  it("takes scalars, empty tensors and trailing spaces in the header", () => {
    const header = {
      e: { dtype: "F32", shape: [0, 5], data_offsets: [0, 0] },
      s: { dtype: "U8", shape: [], data_offsets: [0, 1] },
    };
    expect(parse(fileOf(`${JSON.stringify(header)}    `, 1)).map(({ bytes }) => bytes)).toEqual([0, 1]);
  });

  it.each<[string, Uint8Array, string]>([
    ["a file shorter than its length field", new Uint8Array(5), "safetensors_truncated"],
    ["a header longer than the file", fileOf(one({}), 8).subarray(0, 40), "safetensors_truncated"],
    ["a header above 100 MB", Uint8Array.of(0, 0, 0, 255, 0, 0, 0, 0, 123, 125), "safetensors_header_too_long"],
    ["a header length above 2^53", Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 255, 123), "safetensors_header_too_long"],
    [
      "a Git LFS pointer",
      new TextEncoder().encode("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"),
      "safetensors_pointer",
    ],
    ["an empty header", fileOf("", 0), "safetensors_json"],
    [
      "more than 200,000 tensors",
      fileOf(`{${Array.from({ length: 200_001 }, (_, i) => `"${i}":0`).join()}}`, 0),
      "safetensors_too_many",
    ],
    ["broken JSON", fileOf('{"a":', 0), "safetensors_json"],
    ["a header that is a list", fileOf("[]", 0), "safetensors_json"],
    ["a header that begins with a space", fileOf(" {}", 0), "safetensors_json"],
    ["invalid UTF-8", fileOf("{}", 0).with(8 + 1, 0xff), "safetensors_json"],
    [
      "a tensor named twice",
      fileOf('{"a":{"dtype":"U8","shape":[],"data_offsets":[0,1]},"\\u0061":{}}', 1),
      "safetensors_duplicate_key",
    ],
    [
      "a field named twice",
      fileOf('{"a":{"dtype":"U8","dtype":"I8","shape":[],"data_offsets":[0,1]}}', 1),
      "safetensors_duplicate_key",
    ],
    ["an entry that is not an object", fileOf({ a: 1 }, 0), "safetensors_entry"],
    ["an unknown field", fileOf(one({ strides: [1] }), 8), "safetensors_entry"],
    ["metadata that is not strings", fileOf({ __metadata__: { a: 1 } }, 0), "safetensors_entry"],
    ["an unknown dtype", fileOf(one({ dtype: "F31" }), 8), "safetensors_dtype"],
    ["a dtype of the prototype", fileOf(one({ dtype: "constructor" }), 8), "safetensors_dtype"],
    ["a negative dimension", fileOf(one({ shape: [-2] }), 8), "safetensors_shape"],
    ["a fractional dimension", fileOf(one({ shape: [2.5] }), 8), "safetensors_shape"],
    ["a missing shape", fileOf(one({ shape: undefined }), 8), "safetensors_shape"],
    ["a part of a byte", fileOf(one({ dtype: "F4", shape: [3], data_offsets: [0, 2] }), 2), "safetensors_shape"],
    ["a shape that overflows", fileOf(one({ shape: [2 ** 30, 2 ** 30] }), 8), "safetensors_shape"],
    [
      "an overflow hidden by a zero",
      fileOf(one({ shape: [2 ** 30, 2 ** 30, 0], data_offsets: [0, 0] }), 0),
      "safetensors_shape",
    ],
    ["negative offsets", fileOf(one({ data_offsets: [-8, 0] }), 8), "safetensors_offsets"],
    ["offsets the wrong way round", fileOf(one({ data_offsets: [8, 0] }), 8), "safetensors_offsets"],
    ["three offsets", fileOf(one({ data_offsets: [0, 8, 8] }), 8), "safetensors_offsets"],
    ["a size that is not shape times dtype", fileOf(one({ data_offsets: [0, 12] }), 12), "safetensors_size"],
    ["data beyond the file", fileOf(one({}), 7), "safetensors_offsets"],
    ["data after the last tensor", fileOf(one({}), 9), "safetensors_offsets"],
    ["overlapping tensors", fileOf({ ...two, b: { ...two.b, data_offsets: [20, 28] } }, 28), "safetensors_offsets"],
    ["a hole between tensors", fileOf({ ...two, b: { ...two.b, data_offsets: [28, 36] } }, 36), "safetensors_offsets"],
    ["a hole at the start", fileOf(one({ data_offsets: [4, 12] }), 12), "safetensors_offsets"],
  ])("refuses %s", (_, file, code) => {
    expect(() => parse(file)).toThrow(expect.objectContaining({ code }));
  });
});

describe("types that nothing computes with", () => {
  it.each([
    ["F8_E8M0", [3], 3],
    ["F8_E4M3FNUZ", [3], 3],
    ["F6_E2M3", [4], 3],
    ["F6_E3M2", [8, 1], 6],
    ["F4", [2, 3], 3],
    ["C64", [2], 16],
  ])("%s has a size all the same", (dtype, shape, bytes) => {
    expect(parse(fileOf(one({ dtype, shape, data_offsets: [0, bytes] }), bytes))).toMatchObject([{ bytes }]);
  });
});

describe("a file with one byte changed", () => {
  it("is refused with a code, or still lies within the file", () => {
    const good = fileOf(two, 32);
    let refused = 0;
    for (let at = 0; at < good.length - 32; at++) {
      for (const flip of [0x01, 0x04, 0x10, 0x80]) {
        const file = good.with(at, good[at]! ^ flip);
        try {
          for (const { offset, bytes } of parse(file)) expect(offset + bytes).toBeLessThanOrEqual(file.length);
        } catch (error) {
          expect(TsumugiError.isInstance(error), String(error)).toBe(true);
          refused++;
        }
      }
    }
    expect(refused).toBeGreaterThan(500);
  });
});

describe("findDuplicateKey", () => {
  it("looks at keys only, object by object", () => {
    expect(findDuplicateKey('{"a":"a","b":{"a":["a","a",{"a":1}]},"c\\"":":","c":1}')).toBeUndefined();
    expect(findDuplicateKey('{"x":[{"a" :1,"\\u0061"\n:2}]}')).toBe("a");
    expect(findDuplicateKey('{"a\\\\":1,"a\\\\":2}')).toBe("a\\");
  });
});

describe("openCheckpoint", () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "tsumugi-formats-"));
  });
  afterEach(async () => {
    await rm(directory, { recursive: true });
  });
  const write = (name: string, data: Uint8Array | object) =>
    writeFile(join(directory, name), data instanceof Uint8Array ? data : JSON.stringify(data));

  it("reads ranges of a single file, aligned or not", async () => {
    const header = {
      flag: { dtype: "U8", shape: [1], data_offsets: [0, 1] },
      a: { dtype: "F32", shape: [2], data_offsets: [1, 9] },
    };
    await write("model.safetensors", fileOf(header, 9));
    const checkpoint = await openCheckpoint(directory);
    expect(checkpoint.tensors().map(({ name }) => name)).toEqual(["a", "flag"]);
    expect([...(await checkpoint.read("a"))]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(checkpoint.locate("a")).toEqual({
      file: join(directory, "model.safetensors"),
      offset: 8 + JSON.stringify(header).length + 1,
      bytes: 8,
    });
    expect(() => checkpoint.locate("b")).toThrow(expect.objectContaining({ code: "tensor_missing" }));
    await checkpoint.close();
    await checkpoint.close();
    await expect(checkpoint.read("a")).rejects.toMatchObject({ code: "disposed" });
  });

  it("reads shards through the index", async () => {
    await write("model-1.safetensors", fileOf({ a: { dtype: "U8", shape: [2], data_offsets: [0, 2] } }, Uint8Array.of(1, 2)));
    await write("model-2.safetensors", fileOf({ b: { dtype: "U8", shape: [1], data_offsets: [0, 1] } }, Uint8Array.of(3)));
    await write("model.safetensors.index.json", { weight_map: { a: "model-1.safetensors", b: "model-2.safetensors" } });
    const checkpoint = await openCheckpoint(directory);
    expect([...(await checkpoint.read("a")), ...(await checkpoint.read("b"))]).toEqual([1, 2, 3]);
    await checkpoint.close();
  });

  it.each<[string, object]>([
    ["a way out of the directory", { weight_map: { a: "../model-1.safetensors" } }],
    ["an absolute path", { weight_map: { a: "/model-1.safetensors" } }],
    ["another kind of file", { weight_map: { a: "model-1.bin" } }],
    ["a file that is not there", { weight_map: { a: "model-9.safetensors" } }],
    ["a way out in the middle", { weight_map: { a: "sub/../../model-1.safetensors" } }],
    ["a drive", { weight_map: { a: "C:model-1.safetensors" } }],
    ["a folder", { weight_map: { a: "./" } }],
    ["a file without a name", { weight_map: { a: "sub/.safetensors" } }],
    ["a number for a file", { weight_map: { a: 7 } }],
    ["an empty map", { weight_map: {} }],
    ["no map", {}],
  ])("refuses an index with %s", async (_, index) => {
    await write("model-1.safetensors", fileOf({ a: { dtype: "U8", shape: [2], data_offsets: [0, 2] } }, 2));
    await write("model.safetensors.index.json", index);
    await expect(openCheckpoint(directory)).rejects.toMatchObject({ code: "safetensors_index" });
  });

  it("goes by the shards where the index leaves out a tensor, names one that is nowhere, or places one wrongly", async () => {
    await mkdir(join(directory, "sub"));
    await write("model-1.safetensors", fileOf({ a: { dtype: "U8", shape: [1], data_offsets: [0, 1] } }, Uint8Array.of(1)));
    const both = { c: { dtype: "U8", shape: [1], data_offsets: [1, 2] }, a: { dtype: "U8", shape: [1], data_offsets: [0, 1] } };
    await write("sub/model-2.safetensors", fileOf(both, Uint8Array.of(5, 6)));
    const map = { a: "./model-1.safetensors", x: "sub/model-2.safetensors", y: ".//sub/./model-2.safetensors" };
    await write("model.safetensors.index.json", { metadata: { dtype: "bfloat16", total: Number.NaN }, weight_map: map });
    const checkpoint = await openCheckpoint(directory);
    expect(checkpoint.tensors().map(({ name }) => name)).toEqual(["a", "c"]);
    expect([...(await checkpoint.read("a")), ...(await checkpoint.read("c"))]).toEqual([5, 6]);
    expect(checkpoint.declaredDtype).toBe("bfloat16");
    await checkpoint.close();
  });

  it.each([
    ["<!DOCTYPE html><html><body>Sign in</body></html>", "safetensors_foreign", /web page.*download/],
    ["PK\u0003\u0004".padEnd(200, "x"), "safetensors_foreign", /torch\.save.*tsumugi convert/],
    ["GGUF\u0003\u0000\u0000\u0000".padEnd(200, "x"), "safetensors_foreign", /GGUF/],
    ["", "safetensors_foreign", /empty/],
    ["\u0000".repeat(300), "safetensors_foreign", /zeros.*did not finish/],
    ["version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "safetensors_pointer", /git lfs pull/],
    ["\u0010\u0000\u0000\u0000\u0000\u0000\u0000\u0000{", "safetensors_truncated", /cut off/],
  ])("says of a file that begins with %j what it is", async (content, code, message) => {
    await write("model.safetensors", new TextEncoder().encode(content));
    await expect(openCheckpoint(directory)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it("says which weights are there when they are of another kind", async () => {
    await write("pytorch_model.bin", Uint8Array.of(1));
    await expect(openCheckpoint(directory)).rejects.toThrow(/There is pytorch_model\.bin \(PyTorch pickle\).*tsumugi convert/);
  });

  it("says what is missing or unreadable", async () => {
    await expect(openCheckpoint(directory)).rejects.toMatchObject({ code: "checkpoint_missing" });
    await expect(openSafetensors([join(directory, "none.safetensors")])).rejects.toMatchObject({ code: "file_unreadable" });
  });

  it("refuses a tensor that two files hold", async () => {
    for (const name of ["1.safetensors", "2.safetensors"]) await write(name, fileOf(one({}), 8));
    const paths = ["1.safetensors", "2.safetensors"].map((name) => join(directory, name));
    await expect(openSafetensors(paths)).rejects.toMatchObject({ code: "safetensors_duplicate_key" });
  });
});
