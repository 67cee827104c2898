import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { WeightSource } from "../../src/backends/backend.ts";
import { createCpuBackend } from "../../src/backends/cpu/index.ts";
import { createReferenceBackend } from "../../src/backends/reference/index.ts";
import { plainHolding, type WeightHolding } from "../../src/backends/weight-holding.ts";
import type { Model, WeightOrigin } from "../../src/ops/program.ts";
import { packPairs, quantiseBlocks } from "../../src/tensor/bitsandbytes/blocks.ts";
import { quantiseInputs } from "../../src/tensor/bitsandbytes/inputs.ts";
import { dynamicMap, nestStatistics } from "../../src/tensor/bitsandbytes/statistics.ts";
import { decodeCodes } from "../../src/tensor/code-layout.ts";
import { quantiserNamed } from "../../src/tensor/quantisers/index.ts";
import { decodeStorage, type TensorStorage } from "../../src/tensor/storage.ts";
import type { TensorInfo } from "../../src/tensor/tensor-info.ts";
import { noise, ProgramBuilder, runSteps, tokenIds } from "./support/programs.ts";

const cpu = createCpuBackend();
const reference = createReferenceBackend();
const steps = [[{ sequence: 0, from: 0, tokens: tokenIds(3) }]];

/** One linear op. Its weight's values are `values`, held as `holding` says, if any. */
async function logits(
  made: { model: Model; source: WeightSource },
  holding: WeightHolding = plainHolding("float32"),
  backend = cpu,
) {
  const weights = made.model.weights.map((_, index) => (index === 1 ? holding : plainHolding("float32")));
  const [result] = await runSteps(backend, made, steps, { weights });
  return result!;
}

function linear(
  outputs: number,
  columns: number,
  values: Float32Array,
  stored = [outputs, columns],
  from: Partial<WeightOrigin> = {},
) {
  const program = new ProgramBuilder();
  const x = program.input(columns, 3);
  const weight = program.weight(stored, ["matmul"], values);
  const made = program.model(program.op("linear", [x], ["T", outputs], {}, [weight, -1]));
  const weights = made.model.weights.map((each, index) =>
    index === 1 ? { ...each, shape: [outputs, columns], from: [{ ...each.from[0]!, ...from }] } : each,
  );
  return { ...made, model: { ...made.model, weights } };
}

const kinds = [
  { name: "bitsandbytes4", parameters: { type: "nf4", double: false, from: "float32" } },
  { name: "bitsandbytes4", parameters: { type: "fp4", double: false, from: "bfloat16" } },
  { name: "bitsandbytes4", parameters: { type: "nf4", double: true, from: "float16" } },
  { name: "bitsandbytes8", parameters: { from: "float32" } },
] as const;
// rows of whole blocks, of so many that scales stay codes, of parts of blocks that kernels take, and of parts that are decoded
const sizes = [
  [130, 256],
  [40, 128],
  [37, 48],
  [67, 45],
  [20, 40],
] as const;

describe.each(kinds)("$name $parameters", ({ name, parameters }) => {
  const quantiser = quantiserNamed(name)!;
  const made = (values: Float32Array, columns: number) =>
    decodeCodes(quantiser.layout(parameters, columns)!, quantiser.quantise(values, columns, parameters));
  const codes = (columns: number) =>
    (quantiser.layout(parameters, columns)!.group as number | "row") === "row" || columns % 16 === 0;
  const holding = (columns: number, inputsFirst: boolean): WeightHolding => ({
    storage: codes(columns) ? name : "float32",
    arithmetic: "float32",
    quantise: { ...parameters, inputsFirst },
    quantiser: name,
  });

  it.each(sizes)("gives the values of its reference, %i x %i", async (outputs, columns) => {
    const values = noise(outputs * columns, 5);
    const expected = await logits(linear(outputs, columns, made(values, columns)));
    expect(await logits(linear(outputs, columns, values), holding(columns, false))).toEqual(expected);
    expect(await logits(linear(outputs, columns, values), holding(columns, false), reference)).toEqual(
      await logits(linear(outputs, columns, made(values, columns)), undefined, reference),
    );
  });

  it.each(sizes)("takes matrices that are stored [inputs, outputs], and parts of them: %i x %i", async (outputs, columns) => {
    const values = noise(outputs * columns, 7);
    const stored = new Float32Array(values.length);
    values.forEach((value, i) => {
      stored[(i % columns) * outputs + Math.floor(i / columns)] = value;
    });
    const part = made(values, columns).slice(3 * columns, 19 * columns);
    const expected = await logits(linear(16, columns, part));
    const from = { transpose: true, slice: { axis: 1, start: 3, end: 19 } };
    const turned = linear(16, columns, stored, [columns, outputs], from);
    expect(await logits(turned, holding(columns, true))).toEqual(expected);
  });

  it("takes the transposed part of a matrix, as values", async () => {
    const [outputs, columns] = [24, 64];
    const values = noise(outputs * columns, 9);
    const decoded = made(values, columns);
    const from = { transpose: true, slice: { axis: 0, start: 2, end: 18 } };
    const expected = await logits(linear(columns, 16, decoded, [outputs, columns], from));
    const held = { ...holding(columns, false), storage: "float32" };
    expect(await logits(linear(columns, 16, values, [outputs, columns], from), held)).toEqual(expected);
  });
});

/** A stored matrix of random values, and the storage that says so. */
function stored(rows: number, columns: number, kind: "nf4" | "nf4 double" | "fp4" | "8 bits") {
  const values = noise(rows * columns, 11);
  const bytes: Record<string, Uint8Array> = {};
  const put = (role: string, array: { buffer: ArrayBufferLike }) => {
    bytes[role] = new Uint8Array(array.buffer);
    return role;
  };
  const shape = [rows, columns];
  if (kind === "8 bits") {
    const { codes, scales } = quantiserNamed("bitsandbytes8")!.quantise(values, columns, { from: "float32" });
    const tensors = {
      codes: put(
        "codes",
        codes.map((code) => code ^ 128),
      ),
      scales: put(
        "scales",
        scales.map((x) => x * 127),
      ),
    };
    return { bytes, storage: { kind: "bitsandbytes8", shape, tensors, threshold: 0 } as TensorStorage };
  }
  const type = kind === "fp4" ? "fp4" : "nf4";
  const { codes, absmax } = quantiseBlocks(values, type);
  const packed = put("codes", packPairs(codes));
  const common = { kind: "bitsandbytes4", shape, type, block: 64, arithmetic: "float32" } as const;
  if (kind !== "nf4 double") {
    const tensors = { codes: packed, absmax: put("absmax", absmax) };
    return { bytes, storage: { ...common, tensors } as TensorStorage };
  }
  const nested = nestStatistics(absmax);
  const tensors = {
    codes: packed,
    absmax: put("absmax", nested.codes),
    nestedAbsmax: put("nestedAbsmax", nested.absmax),
    nestedMap: put("nestedMap", dynamicMap),
  };
  return { bytes, storage: { ...common, tensors, nestedBlock: 256, nestedOffset: nested.offset } as TensorStorage };
}

describe.each(["nf4", "nf4 double", "fp4", "8 bits"] as const)("stored as %s", (kind) => {
  it.each(sizes)("is read as its reference decodes it, %i x %i", async (outputs, columns) => {
    const { bytes, storage } = stored(outputs, columns, kind);
    const values = decodeStorage(storage, bytes);
    const infos: TensorInfo[] = Object.entries(bytes).map(([name, { byteLength }]) => {
      return { name, dtype: "uint8", shape: [byteLength], bytes: byteLength };
    });
    const program = linear(outputs, columns, values);
    const [input, weight] = program.model.weights;
    const from = [{ tensor: "codes", storage }];
    const find = (tensor: string) => bytes[tensor] ?? (program.source.locate(tensor) as Uint8Array);
    const coded = {
      model: { ...program.model, weights: [input!, { ...weight!, from }] },
      source: {
        ...program.source,
        tensors: () => [...program.source.tensors(), ...infos],
        locate: find,
        read: async (name: string) => find(name),
      },
    };
    const isHeld = kind === "8 bits" || columns % 16 === 0;
    const holding: WeightHolding = { storage: isHeld ? storage.kind : "float32", arithmetic: "float32" };
    expect(await logits(coded, holding)).toEqual(await logits(program));
    expect(await logits(coded, holding, reference)).toEqual(await logits(program, undefined, reference));
  });
});

describe("inputs of LLM.int8()", () => {
  const columns = 40;
  const x = noise(columns * 3, 21);
  x[7] = 6.5;
  x[columns + 3] = 5.999; // 6 in float16
  it("are rows in 127 steps, and outliers as they are", () => {
    const [whole, apart] = [quantiseInputs(x, columns, 0), quantiseInputs(x, columns, 6)];
    expect(apart[7]).toBe(6.5);
    expect(apart[columns + 3]).toBe(x[columns + 3]);
    const steps = (row: Float32Array) => new Set(row.map((value) => Math.abs(value))).size;
    expect(steps(whole.subarray(0, columns))).toBeLessThan(22); // 127 steps of 6.5
    expect(steps(apart.subarray(0, columns))).toBeGreaterThan(30);
    // a row does not depend on others
    expect(quantiseInputs(x.slice(columns, 2 * columns), columns, 6)).toEqual(apart.slice(columns, 2 * columns));
    expect(quantiseInputs(new Float32Array(4), 4, 6)).toEqual(new Float32Array(4));
  });
  it.each([0, 2.5])("give the products of their reference, threshold %d", async (int8Threshold) => {
    const [outputs, width] = [40, 96];
    const values = noise(outputs * width, 5);
    const parameters = { from: "float32" };
    const holding: WeightHolding = { storage: "bitsandbytes8", arithmetic: "float32", quantise: parameters, int8Threshold };
    const [program, plain] = [linear(outputs, width, values), linear(outputs, width, values)];
    const result = await logits(program, holding);
    const coded = quantiserNamed("bitsandbytes8")!;
    const made = decodeCodes(coded.layout(parameters, width)!, coded.quantise(values, width, parameters));
    const table = await plain.source.read!("weight0");
    const inputs = quantiseInputs(new Float32Array(table.slice().buffer), width, int8Threshold);
    const read = linear(outputs, width, made);
    const { locate } = read.source;
    const source = {
      ...read.source,
      locate: (name: string) => (name === "weight0" ? new Uint8Array(inputs.buffer) : locate(name)),
    };
    expect(result).toEqual(await logits({ ...read, source }));
    const slow = await logits(program, holding, reference);
    expect(Math.max(...slow.map((value, i) => Math.abs(value - result[i]!)))).toBeLessThan(1e-4);
  });
});

it("makes the bytes that Python's bitsandbytes makes", () => {
  // a matrix that both sides can make: the hashes are bitsandbytes' own, by its definition in numpy
  const values = Float32Array.from({ length: 96 * 40 }, (_, i) => Math.fround((((i * 7919) % 2003) - 1001) / 4096));
  const sha = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex").slice(0, 16);
  expect(sha(packPairs(quantiseBlocks(values, "nf4").codes))).toBe("b946f629adc483dd");
  expect(sha(packPairs(quantiseBlocks(values, "fp4").codes))).toBe("4d07b2a639ee969c");
  const nested = nestStatistics(quantiseBlocks(values, "nf4").absmax);
  expect(sha(nested.codes)).toBe("8e42c90a2d56b157");
  const { codes } = quantiserNamed("bitsandbytes8")!.quantise(values, 40, { from: "float32" });
  expect(sha(codes.map((code) => code ^ 128))).toBe("641a57c7a5d69545");
});
