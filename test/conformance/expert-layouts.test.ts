import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Backend, Limits, TensorInfo, WeightSource } from "../../src/backends/backend.ts";
import { createCpuBackend } from "../../src/backends/cpu/index.ts";
import { createReferenceBackend } from "../../src/backends/reference/index.ts";
import { engineLimits } from "../../src/engine/limits.ts";
import { openCheckpoint } from "../../src/formats/file-reader.ts";
import { loadModel } from "../../src/models/index.ts";
import { chunkedLogits, fixtures, readGolden } from "../helpers/run-model.ts";

interface Tensor {
  shape: number[];
  values: Float32Array;
}

/** Joins float32 tensors of equal width along their first axis, or along a new one. */
function join0(parts: Tensor[], stack = false): Tensor {
  const values = Float32Array.from(parts.flatMap((part) => [...part.values]));
  const [first] = parts;
  const rows = parts.reduce((sum, { shape }) => sum + shape[0]!, 0);
  return { values, shape: stack ? [parts.length, ...first!.shape] : [rows, ...first!.shape.slice(1)] };
}

/** A checkpoint whose experts are one tensor for each layer, as some files have them, made of one with a tensor each. */
async function fusedSource(name: string, moe: string, router: string, names: [string, string, string]): Promise<WeightSource> {
  const checkpoint = await openCheckpoint(join(fixtures, name));
  const tensors = new Map<string, Tensor>();
  for (const { name: tensor, shape } of checkpoint.tensors()) {
    const bytes = await checkpoint.read(tensor);
    tensors.set(tensor, {
      shape: [...shape],
      values: new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)),
    });
  }
  await checkpoint.close();
  for (let layer = 0; tensors.has(`model.layers.${layer}.${moe}.experts.0.${names[0]}.weight`); layer++) {
    const at = `model.layers.${layer}`;
    const take = (tensor: string) => {
      const found = tensors.get(tensor)!;
      tensors.delete(tensor);
      return found;
    };
    const gateUps: Tensor[] = [];
    const downs: Tensor[] = [];
    for (let expert = 0; tensors.has(`${at}.${moe}.experts.${expert}.${names[0]}.weight`); expert++) {
      const own = names.map((linear) => take(`${at}.${moe}.experts.${expert}.${linear}.weight`));
      gateUps.push(join0(own.slice(0, 2)));
      downs.push(own[2]!);
    }
    tensors.set(`${at}.mlp.experts.gate_up_proj`, join0(gateUps, true));
    tensors.set(`${at}.mlp.experts.down_proj`, join0(downs, true));
    tensors.set(`${at}.mlp.gate.weight`, take(`${at}.${router}.weight`));
  }
  const bytes = ({ values }: Tensor) => new Uint8Array(values.buffer);
  const info = ([tensor, { shape, values }]: [string, Tensor]): TensorInfo => ({
    name: tensor,
    dtype: "float32",
    shape,
    bytes: values.byteLength,
  });
  return {
    tensors: () => [...tensors].map(info),
    locate: (tensor) => bytes(tensors.get(tensor)!),
    read: async (tensor) => bytes(tensors.get(tensor)!),
  };
}

async function logits(backend: Backend, name: string, source: WeightSource): Promise<Float32Array[]> {
  const model = await loadModel(JSON.parse(await readFile(join(fixtures, name, "config.json"), "utf8")), source);
  const limits: Limits = {
    maxTokens: 64,
    maxSequences: 1,
    maxLogitRows: 64,
    blocks: Object.fromEntries(model.states.map((state) => [state.name, Math.ceil(64 / backend.blockTokens) + 1])),
    weights: "float32",
    activation: "float32",
    cache: "float32",
    taps: [],
  };
  const session = await backend.prepare(model, source, limits, { threads: 1 });
  const { forward } = await readGolden(name);
  const rows = await chunkedLogits({ model, session, dispose: () => session.dispose() }, forward.input_ids, [
    forward.input_ids.length,
  ]);
  await session.dispose();
  return rows;
}

const backends: [string, () => Backend][] = [
  ["reference", createReferenceBackend],
  ["cpu", createCpuBackend],
];

describe.each(backends)("experts in one tensor for each layer, on %s", (_, create) => {
  it.each<[string, string, string, [string, string, string]]>([
    ["mixtral", "block_sparse_moe", "block_sparse_moe.gate", ["w1", "w3", "w2"]],
    ["qwen3_moe", "mlp", "mlp.gate", ["gate_proj", "up_proj", "down_proj"]],
  ])("%s gives the same bits as with a tensor for each expert", async (name, moe, router, names) => {
    const checkpoint = await openCheckpoint(join(fixtures, name));
    const expected = await logits(create(), name, checkpoint);
    await checkpoint.close();
    expect(await logits(create(), name, await fusedSource(name, moe, router, names))).toEqual(expected);
  });
});

describe("experts in MXFP4", () => {
  it("take the room of their codes in an engine's plan, whatever the type of the other weights", async () => {
    const checkpoint = await openCheckpoint(join(fixtures, "gpt_oss_mxfp4"));
    const config = JSON.parse(await readFile(join(fixtures, "gpt_oss_mxfp4", "config.json"), "utf8"));
    const model = await loadModel(config, checkpoint);
    const backend = createCpuBackend();
    // whole blocks of 16 rows, padded or not; a block of codes begins a line of 64 bytes
    const blocks = model.weights
      .filter(({ from }) => from[0]!.storage)
      .map(({ shape: [experts, rows, columns] }) => ({ count: experts! * Math.ceil(rows! / 16), values: 16 * columns! }));
    const sum = (bytes: (values: number) => number) =>
      blocks.reduce((total, { count, values }) => total + count * bytes(values), 0);
    const codes = sum((values) => Math.ceil((values * 4.25) / 8 / 64) * 64);
    expect(codes).toBeGreaterThan(10_000);
    for (const [dtype, bits] of [
      ["float32", 32],
      ["bfloat16", 16],
      ["float16", 16],
    ] as const) {
      const limits = engineLimits(model, { blockTokens: backend.blockTokens, weights: dtype });
      const dense = backend.plan(model, checkpoint, { ...limits, weights: dtype });
      const coded = backend.plan(model, checkpoint, limits);
      expect(dense.weights - coded.weights).toBe(sum((values) => (values * bits) / 8) - codes);
      expect(coded.total - coded.weights).toBe(dense.total - dense.weights);
    }
    await checkpoint.close();
  });
});
