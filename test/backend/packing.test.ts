import { describe, expect, it } from "vitest";
import { createCpuBackend } from "../../src/backends/cpu/index.ts";
import { roundTo, toFloat32 } from "../../src/tensor/convert.ts";
import { dtypeBytes, type FloatDType } from "../../src/tensor/dtype.ts";
import { limits, makeBatch, ProgramBuilder, runStep } from "./support/programs.ts";

const cpu = createCpuBackend();
const types: readonly FloatDType[] = ["float32", "bfloat16", "float16"];

/** Bytes of any kind as numbers of a type: denormals, infinities and NaN among them. */
function anyBits(count: number, dtype: FloatDType): Uint8Array {
  const bytes = new Uint8Array(count * dtypeBytes(dtype));
  let state = 0x2545f491;
  for (let i = 0; i < bytes.length; i += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** A tied weight of these bytes, held as `held`, read back row by row. */
async function packed(bytes: Uint8Array, stored: FloatDType, held: FloatDType, rows: number, columns: number) {
  const builder = new ProgramBuilder();
  const weight = builder.weight([rows, columns], ["matmul", "gather"], new Float32Array());
  const { model, source } = builder.model(builder.op("embed", [], ["T", columns], {}, [weight]), rows);
  const name = model.weights[weight]!.from[0]!.tensor;
  const info = { name, dtype: stored, shape: [rows, columns], bytes: bytes.byteLength };
  const tensors = { tensors: () => [info], locate: (tensor: string) => (tensor === name ? bytes : source.locate(tensor)) };
  const session = await cpu.prepare(model, tensors, { ...limits, weights: held }, { threads: 2 });
  const tokens = Array.from({ length: rows }, (_, index) => index);
  const values = await runStep(session, makeBatch([{ sequence: 0, from: 0, tokens }], 0, 32, 8));
  await session.dispose();
  return values;
}

/** NaN as one value, since its bits may change. */
const plain = (values: Float32Array) => Array.from(values, (value) => (Number.isNaN(value) ? "NaN" : value));

describe.each(types)("packing from %s", (stored) => {
  it.each(types)("to %s gives the nearest values, whole blocks and the rest alike", async (held) => {
    for (const [rows, columns] of [
      [37, 45],
      [16, 64],
    ] as const) {
      const bytes = anyBits(rows * columns, stored);
      const expected = roundTo(toFloat32(bytes, stored), held);
      expect(plain(await packed(bytes, stored, held, rows, columns))).toEqual(plain(expected));
    }
  });
});
