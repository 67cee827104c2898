import { describe, expect, it } from "vitest";
import type { WeightSource } from "../../src/backends/backend.ts";
import { createCpuBackend } from "../../src/backends/cpu/index.ts";
import { createReferenceBackend } from "../../src/backends/reference/index.ts";
import { holdAsStored, plainHolding } from "../../src/backends/weight-holding.ts";
import type { Model, WeightUse } from "../../src/ops/program.ts";
import { type CodedRows, type CodeLayout, decodeCodes } from "../../src/tensor/code-layout.ts";
import type { TensorStorage } from "../../src/tensor/storage.ts";
import type { TensorInfo } from "../../src/tensor/tensor-info.ts";
import { difference, ProgramBuilder, runSteps, tokenIds } from "./support/programs.ts";

const cpu = createCpuBackend();
const reference = createReferenceBackend();

type Layout = Pick<CodeLayout, "bits" | "table" | "offset"> & { group: number; permuted?: boolean };

const layouts: Layout[] = [
  { bits: 4, group: 64, table: "nf4", offset: "none" },
  { bits: 4, group: 32, table: "fp4", offset: "none" },
  { bits: 4, group: 32, table: "iq4nl", offset: "none" },
  { bits: 4, group: 128, table: "linear", offset: "zero", permuted: true },
  { bits: 4, group: 16, table: "linear", offset: "minimum" },
  { bits: 8, group: 4096, table: "int8", offset: "none" },
  { bits: 8, group: 128, table: "float8", offset: "none" },
  { bits: 8, group: 32, table: "linear", offset: "minimum" },
];

const nameOf = ({ bits, group, table, offset, permuted }: Layout) =>
  `${bits} bits of ${table}, groups of ${group}, offset ${offset}${permuted ? ", permuted" : ""}`;

function randomCodes({ bits, group, offset, permuted, table }: Layout, rows: number, columns: number): CodedRows {
  let state = rows * 131 + columns;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 20;
  };
  const mask = bits === 4 ? 15 : 255;
  // no NaN
  const code = () => (table === "float8" ? (next() & 0x80) | (next() % 0x7f) : next() & mask);
  const groups = rows * Math.ceil(columns / group);
  return {
    rows,
    columns,
    group,
    codes: Uint8Array.from({ length: rows * columns }, code),
    scales: Float32Array.from({ length: groups }, () => (next() - 2048) / 65536),
    ...(offset !== "none" && { offsets: Float32Array.from({ length: groups }, () => next() % 16) }),
    ...(permuted && { order: Int32Array.from({ length: columns }, (_, at) => (at * 7) % columns) }),
  };
}

/** A model of one matrix of codes, and the same matrix as plain numbers. */
function program(layout: Layout, rows: number, columns: number, use: "linear" | "embed") {
  const coded = randomCodes(layout, rows, columns);
  const builder = new ProgramBuilder();
  const values = decodeCodes(layout, coded);
  let out: number;
  let weight: number;
  if (use === "embed") {
    weight = builder.weight([rows, columns], ["gather"] as WeightUse[], values);
    out = builder.op("embed", [], ["T", columns], {}, [weight]);
  } else {
    const x = builder.input(columns, 3, true);
    weight = builder.weight([rows, columns], ["matmul"], values);
    out = builder.op("linear", [x], ["T", rows], {}, [weight, -1]);
  }
  const { model, source } = builder.model(out);
  const tensors = new Map<string, { info: TensorInfo; bytes: Uint8Array }>();
  const add = (name: string, dtype: TensorInfo["dtype"], shape: number[], { buffer }: { buffer: ArrayBufferLike }) => {
    tensors.set(name, { info: { name, dtype, shape, bytes: buffer.byteLength }, bytes: new Uint8Array(buffer) });
    return name;
  };
  const groups = coded.scales.length / rows;
  const storage: TensorStorage = {
    kind: "coded",
    shape: [rows, columns],
    tensors: {
      codes: add("codes", "uint8", [rows, columns], coded.codes),
      scales: add("scales", "float32", [rows, groups], coded.scales),
      ...(coded.offsets && { offsets: add("offsets", "float32", [rows, groups], coded.offsets) }),
      ...(coded.order && { order: add("order", "int32", [columns], coded.order) }),
    },
    bits: layout.bits,
    group: layout.group,
    table: layout.table,
    offset: layout.offset,
  };
  const bytes = (tensor: string) => tensors.get(tensor)?.bytes ?? (source.locate(tensor) as Uint8Array);
  const inCodes: { model: Model; source: WeightSource } = {
    model: {
      ...model,
      weights: model.weights.map((w, at) => (at === weight ? { ...w, from: [{ tensor: "matrix", storage }] } : w)),
    },
    source: {
      tensors: () => [...source.tensors(), ...[...tensors.values()].map(({ info }) => info)],
      locate: bytes,
      read: async (tensor) => bytes(tensor),
    },
  };
  return { plain: { model, source }, coded: inCodes };
}

const held = ({ model }: { model: Model }, dtype: "float32" | "bfloat16") => ({
  weights: model.weights.map((weight) => holdAsStored(weight, dtype)),
});

describe.each(layouts.map((layout) => [nameOf(layout), layout] as const))("%s", (_, layout) => {
  it.each(["float32", "bfloat16"] as const)("multiplies as its values do in %s, whatever the number of rows", async (dtype) => {
    const { plain, coded } = program(layout, 37, 288, "linear");
    const given = held(coded, dtype);
    expect(given.weights.at(-1)).toMatchObject({ storage: "coded" });
    let first: Float32Array | undefined;
    for (const count of [1, 5, 13, 40]) {
      const step = [[{ sequence: 0, from: 0, tokens: tokenIds(count) }]];
      const [codes] = await runSteps(cpu, coded, step, given);
      const [values] = await runSteps(cpu, plain, step, { weights: dtype });
      // columns in another order are summed in another order
      if (layout.permuted) expect(difference(codes!, values!)).toBeLessThan(1e-4);
      else expect(codes).toEqual(values);
      first ??= codes!;
      expect(codes!.subarray(0, 37)).toEqual(first);
    }
    const few = [[{ sequence: 0, from: 0, tokens: tokenIds(3) }]];
    const [slow] = await runSteps(reference, coded, few, given);
    const [fast] = await runSteps(cpu, coded, few, given);
    expect(difference(fast!, slow!)).toBeLessThan(1e-5);
  });

  it("is decoded to plain numbers where it is asked for", async () => {
    const { plain, coded } = program(layout, 24, 160, "linear");
    const weights = coded.model.weights.map(() => plainHolding("float32"));
    const step = [[{ sequence: 0, from: 0, tokens: tokenIds(4) }]];
    expect(await runSteps(cpu, coded, step, { weights })).toEqual(await runSteps(cpu, plain, step, { weights }));
  });

  it("gives its rows to an embedding", async () => {
    const { plain, coded } = program(layout, 64, 96, "embed");
    const step = [[{ sequence: 0, from: 0, tokens: tokenIds(9) }]];
    for (const dtype of ["float32", "bfloat16"] as const) {
      const expected = await runSteps(cpu, plain, step, { weights: dtype });
      expect(await runSteps(cpu, coded, step, held(coded, dtype))).toEqual(expected);
      expect(await runSteps(reference, coded, step, held(coded, dtype))).toEqual(expected);
    }
  });
});
