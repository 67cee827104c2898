import { describe, expect, it } from "vitest";
import type { WeightSource } from "../../src/backends/backend.ts";
import { createCpuBackend } from "../../src/backends/cpu/index.ts";
import { holdAsStored, plainHolding } from "../../src/backends/weight-holding.ts";
import type { WeightUse } from "../../src/ops/program.ts";
import { type GgmlTypeName, ggmlRowBytes, ggmlTypes } from "../../src/tensor/ggml/types.ts";
import { type GgmlStorage, ggml } from "../../src/tensor/storages/ggml.ts";
import type { TensorInfo } from "../../src/tensor/tensor-info.ts";
import { ProgramBuilder, runSteps, tokenIds } from "./support/programs.ts";

const cpu = createCpuBackend();
const [rows, columns] = [24, 256];

/** Bytes in which every float16 is an ordinary number. */
function blockBytes(type: GgmlTypeName, count: number, seed: number): Uint8Array {
  let state = seed;
  const bytes = Uint8Array.from({ length: count * ggmlRowBytes(type, columns)! }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 24) & (type in floats ? 0x3f : 0xff);
  });
  if (type in floats) return bytes;
  const { bytes: size } = ggmlTypes[type];
  for (let at = 0; at < bytes.length; at += size) {
    if (type === "MXFP4") bytes[at] = 120 + (bytes[at]! & 7);
    else for (const high of highBytes(type)) bytes[at + high] = 0x24 | (bytes[at + high]! & 0x83);
  }
  return bytes;
}

const floats = { F32: 4, F16: 2, BF16: 2 };
const highBytes = (type: GgmlTypeName) =>
  ({ Q2_K: [81, 83], Q3_K: [109], Q6_K: [209], Q8_0: [1], Q4_0: [1], Q5_0: [1], IQ4_NL: [1], IQ4_XS: [1] })[type as "Q2_K"] ?? [
    1, 3,
  ];

/** An embedding of a stored matrix, and the values that its reference has. */
function embedding(storage: Pick<GgmlStorage, "type" | "heads">, odd: boolean) {
  const { type } = storage;
  const parts = { blocks: blockBytes(type, odd ? rows / 2 : rows, 7), ...(odd && { odd: blockBytes(type, rows / 2, 99) }) };
  const names = { blocks: "blocks", ...(odd && { odd: "odd" }) };
  const stored: GgmlStorage = { kind: "ggml", shape: [rows, columns], tensors: names, ...storage };
  const values = ggml.decode(stored, parts);
  const builder = new ProgramBuilder();
  const weight = builder.weight([rows, columns], ["gather"] as WeightUse[], values);
  const out = builder.op("embed", [], ["T", columns], {}, [weight]);
  const { model, source } = builder.model(out);
  const info = (name: string, { byteLength: bytes }: Uint8Array): TensorInfo => ({
    ...{ name, dtype: "uint8", shape: [bytes / ggmlRowBytes(type, columns)!, ggmlRowBytes(type, columns)!], bytes },
  });
  const tensors = new Map(Object.entries(parts));
  const bytes = (name: string) => tensors.get(name) ?? (source.locate(name) as Uint8Array);
  const own: WeightSource = {
    tensors: () => [...source.tensors(), ...[...tensors].map(([name, data]) => info(name, data))],
    locate: bytes,
    read: async (name) => bytes(name),
  };
  const weights = model.weights.map((w, at) => (at === weight ? { ...w, from: [{ tensor: "m", storage: stored }] } : w));
  return { program: { model: { ...model, weights }, source: own }, values, isCoded: ggml.codes(stored) !== undefined };
}

describe.each(Object.keys(ggmlTypes) as GgmlTypeName[])("%s", (type) => {
  it.each([
    ["as they stand", {}, false],
    ["with the rows of heads as pairs", { heads: 2 }, false],
    ["with the rows of two tensors by turns", {}, true],
  ] as const)("has the rows of its reference, %s", async (_, more, odd) => {
    const { program, values, isCoded } = embedding({ type, ...more }, odd);
    const ids = tokenIds(30).map((id) => id % rows);
    const step = [[{ sequence: 0, from: 0, tokens: ids }]];
    const expected = Float32Array.from(ids.flatMap((id) => [...values.subarray(id * columns, (id + 1) * columns)]));
    const stored = program.model.weights.map((weight) => holdAsStored(weight, "float32"));
    expect(stored.some(({ storage }) => storage === "ggml")).toBe(isCoded);
    for (const weights of [stored, program.model.weights.map(() => plainHolding("float32"))]) {
      const [rowsOf] = await runSteps(cpu, program, step, { weights });
      expect(rowsOf!.findIndex((value, at) => value !== expected[at])).toBe(-1);
    }
  });
});
