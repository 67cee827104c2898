import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type GgmlStorage, ggml } from "../storages/ggml.ts";
import { encodeGgml, type WritableGgmlType } from "./encode.ts";
import { type GgmlTypeName, ggmlRowBytes } from "./types.ts";

// blocks of random bytes and what Python's gguf 0.19 makes of them
const fixture = JSON.parse(readFileSync(new URL("../../../test/fixtures/ggml-blocks.json", import.meta.url), "utf8")) as {
  blocks: Record<GgmlTypeName, { bytes: string; values: string }>;
  values: string;
  encoded: Record<WritableGgmlType, string>;
};
const bytes = (text: string) => new Uint8Array(Buffer.from(text, "base64"));
const floats = (text: string) => new Float32Array(bytes(text).buffer);

const storageOf = (type: GgmlTypeName, shape: number[], more: Partial<GgmlStorage> = {}): GgmlStorage => ({
  ...{ kind: "ggml", type, shape, tensors: { blocks: "w" } },
  ...more,
});

describe("blocks of GGUF files", () => {
  it.each(Object.entries(fixture.blocks))("are read to the bit: %s", (type, { bytes: block, values }) => {
    const wanted = floats(values);
    const storage = storageOf(type as GgmlTypeName, [1, wanted.length]);
    expect(ggml.decode(storage, { blocks: bytes(block) }).map((value) => value + 0)).toEqual(wanted);
    expect(ggmlRowBytes(type as GgmlTypeName, wanted.length)).toBe(bytes(block).length);
    expect(ggml.codes(storage)).toMatchObject({ permuted: false });
  });

  it.each(Object.entries(fixture.encoded))("are written as Python's gguf does: %s", (type, wanted) => {
    expect(encodeGgml(floats(fixture.values), type as WritableGgmlType)).toEqual(bytes(wanted));
  });

  it("have the rows of a head as pairs, or rows of two tensors by turns", () => {
    const rows = Float32Array.of(0, 2, 1, 3, 4, 6, 5, 7); // two heads of four rows
    const blocks = new Uint8Array(rows.buffer);
    expect([...ggml.decode(storageOf("F32", [8, 1], { heads: 2 }), { blocks })]).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    const odd = storageOf("F32", [4, 1], { tensors: { blocks: "a", odd: "b" } });
    const part = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);
    expect([...ggml.decode(odd, { blocks: part(0, 2), odd: part(1, 3) })]).toEqual([0, 1, 2, 3]);
    expect(ggml.codes(odd)).toBeUndefined();
  });
});
