import { describe, expect, it } from "vitest";
import { readGgufHeader } from "./header.ts";
import { encodeGgml, type GgufWriteValue, layOutGguf, writeGguf } from "./write.ts";

const metadata: Record<string, GgufWriteValue> = {
  "general.architecture": { type: "string", value: "llama" },
  "llama.block_count": { type: "uint32", value: 2 },
  "llama.rope.freq_base": { type: "float32", value: 0.5 },
  "tokenizer.ggml.add_bos_token": { type: "bool", value: true },
  "tokenizer.ggml.tokens": { type: "array", of: "string", values: ["<s>", "日本", ""] },
  "tokenizer.ggml.scores": { type: "array", of: "float32", values: [0, -1, -2] },
};
const weights = Float32Array.from({ length: 128 }, (_, i) => i - 64);
const file = writeGguf(metadata, [
  { name: "a.weight", type: "Q4_0", shape: [2, 64], data: encodeGgml(weights, "Q4_0") },
  { name: "b.weight", type: "F32", shape: [3], data: encodeGgml(weights.subarray(0, 3), "F32") },
]);
const read = (bytes: Uint8Array, claimed = bytes.length) =>
  readGgufHeader("m.gguf", claimed, async (offset, count) => bytes.slice(offset, offset + count));
const changed = (change: (view: DataView, bytes: Uint8Array) => void) => {
  const copy = file.slice();
  change(new DataView(copy.buffer), copy);
  return copy;
};

describe("readGgufHeader", () => {
  it("reads what the writer wrote", async () => {
    const header = await read(file);
    expect(header.version).toBe(3);
    expect(Object.fromEntries(header.metadata)).toEqual({
      "general.architecture": "llama",
      "llama.block_count": 2,
      "llama.rope.freq_base": 0.5,
      "tokenizer.ggml.add_bos_token": true,
      "tokenizer.ggml.tokens": ["<s>", "日本", ""],
      "tokenizer.ggml.scores": [0, -1, -2],
    });
    const [a, b] = header.tensors;
    expect(a).toMatchObject({ name: "a.weight", type: "Q4_0", shape: [2, 64], bytes: 72 });
    expect(b).toMatchObject({ name: "b.weight", type: "F32", shape: [3], bytes: 12 });
    expect([...new Float32Array(file.slice(b!.offset, b!.offset + 12).buffer)]).toEqual([-64, -63, -62]);
    expect(a!.offset % 32).toBe(0);
  });

  it.each<[string, (view: DataView, bytes: Uint8Array) => void, RegExp]>([
    ["another kind of file", (_, bytes) => bytes.set([0x50, 0x4b, 3, 4]), /zip archive/],
    ["a big-endian file", (view) => view.setUint32(4, 3, false), /big-endian/],
    ["version 1", (view) => view.setUint32(4, 1, true), /version of GGUF.*Given: 1/],
    ["a number of tensors beyond the file", (view) => view.setUint32(8, 100_000, true), /room for/],
    ["a number of tensors that no file has", (view) => view.setUint32(12, 1, true), /at most 200000/],
    ["a number of entries beyond limits", (view) => view.setUint32(16, 100_000, true), /at most 65536/],
    ["a name longer than the file", (view) => view.setUint32(24, 60_000, true), /room for/],
    ["a type of values that is unknown", (view) => view.setUint32(24 + 8 + 20, 77, true), /unknown type 77/],
  ])("refuses %s", async (_, change, message) => {
    await expect(read(changed(change))).rejects.toThrow(message);
  });

  it("refuses files that are cut off, wherever", async () => {
    for (let length = 0; length < file.length - 32; length += 7) {
      await expect(read(file.slice(0, length))).rejects.toMatchObject({ code: "gguf_invalid" });
    }
  });

  it("reads or refuses files with a changed byte, and never hangs or breaks", async () => {
    const { header } = layOutGguf(metadata, []);
    for (let at = 4; at < header.length; at++) {
      const bytes = changed((_, copy) => copy.fill(copy[at]! ^ 0x81, at, at + 1));
      const result = await read(bytes).catch((error: unknown) => (error as { code?: string }).code);
      expect(typeof result === "object" || result === "gguf_invalid" || result === "gguf_unsupported").toBe(true);
    }
  });

  it("reads headers that are longer than what is read at once", async () => {
    const values = Array.from({ length: 30_000 }, (_, i) => `token ${i} of a long list of them`);
    const long = writeGguf({ ...metadata, tokens: { type: "array", of: "string", values } }, []);
    expect(((await read(long)).metadata.get("tokens") as string[]).join()).toBe(values.join());
  });

  it("refuses rows that are no whole blocks, when writing", () => {
    expect(() => layOutGguf(metadata, [{ name: "w", type: "Q8_0", shape: [2, 33] }])).toThrow(/whole blocks of 32/);
  });
});
