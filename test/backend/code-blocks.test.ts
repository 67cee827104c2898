import { describe, expect, it } from "vitest";
import type { Backend, Limits, WeightSource } from "../../src/backends/backend.ts";
import { createCpuBackend } from "../../src/backends/cpu/index.ts";
import { createReferenceBackend } from "../../src/backends/reference/index.ts";
import { holdAsStored, plainHolding } from "../../src/backends/weight-holding.ts";
import type { Model, WeightOrigin } from "../../src/ops/program.ts";
import { fromMxfp4 } from "../../src/tensor/storages/mxfp4.ts";
import type { TensorInfo } from "../../src/tensor/tensor-info.ts";
import { difference, limits, ProgramBuilder, runSteps, tokenIds } from "./support/programs.ts";

const cpu = createCpuBackend();
const reference = createReferenceBackend();

/** Random codes of [count, rows, columns], and scales from 2^-9 to 2^6. */
function randomCodes(count: number, rows: number, columns: number, seed: number) {
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  };
  return {
    codes: Uint8Array.from({ length: (count * rows * columns) / 2 }, next),
    scales: Uint8Array.from({ length: (count * rows * columns) / 32 }, () => 118 + (next() & 15)),
  };
}

/** Stacks of MXFP4 matrices in memory beside the plain tensors of a program. */
class CodedProgram extends ProgramBuilder {
  readonly #coded = new Map<number, WeightOrigin[]>();
  readonly #tensors = new Map<string, { info: TensorInfo; bytes: Uint8Array }>();

  /** A matrix [rows, columns], or a stack of them with a count in front. */
  coded(shape: number[], seed: number): number {
    const [count, rows, columns] = shape.length === 3 ? (shape as [number, number, number]) : [1, shape[0]!, shape[1]!];
    const { codes, scales } = randomCodes(count, rows, columns, seed);
    const weight = this.weight(shape, ["matmul"], fromMxfp4(codes, scales));
    const names = { codes: `codes${weight}`, scales: `scales${weight}` };
    const front = shape.slice(0, -1);
    this.#add(names.codes, [...front, columns / 32, 16], codes);
    this.#add(names.scales, [...front, columns / 32], scales);
    const storage = { kind: "mxfp4", shape, tensors: names, group: 32 } as const;
    const each = shape.length === 3 ? Array.from({ length: count }, (_, index) => ({ index })) : [{}];
    this.#coded.set(
      weight,
      each.map((entry) => ({ tensor: `weight${weight}`, storage, ...entry })),
    );
    return weight;
  }

  /** A matrix made of rows of two coded ones, in parts that begin and end anywhere. */
  codedParts(rows: number, columns: number, seed: number): number {
    const [first, second] = [this.coded([rows, columns], seed), this.coded([rows, columns], seed + 1)];
    const cuts: [number, number, number][] = [
      [first, 3, rows],
      [second, 0, 5],
      [first, 1, 2],
    ];
    const values = cuts.map(([weight, start, end]) => this.weights[weight]!.values.slice(start * columns, end * columns));
    const all = Float32Array.from(values.flatMap((part) => [...part]));
    const joined = this.weight([all.length / columns, columns], ["matmul"], all);
    const parts = cuts.map(([weight, start, end]) => ({ ...this.#coded.get(weight)![0]!, slice: { axis: 0, start, end } }));
    this.#coded.set(joined, parts);
    return joined;
  }

  #add(name: string, shape: number[], bytes: Uint8Array) {
    this.#tensors.set(name, { info: { name, dtype: "uint8", shape, bytes: bytes.byteLength }, bytes });
  }

  override model(result: number): { model: Model; source: WeightSource } {
    const { model, source } = super.model(result);
    const weights = model.weights.map((weight, index) => {
      const from = this.#coded.get(index);
      const join = from?.some((origin) => origin.index !== undefined) ? ("stack" as const) : ("concat" as const);
      return from ? { ...weight, from, ...(from.length > 1 && { join }) } : weight;
    });
    const bytes = (tensor: string) => this.#tensors.get(tensor)?.bytes ?? (source.locate(tensor) as Uint8Array);
    return {
      model: { ...model, weights },
      source: {
        tensors: () => [...source.tensors(), ...[...this.#tensors.values()].map(({ info }) => info)],
        locate: bytes,
        read: async (tensor) => bytes(tensor),
      },
    };
  }
}

const types = ["float32", "bfloat16", "float16"] as const;
type Type = (typeof types)[number];

const held = ({ weights }: Model, dtype: Type): Partial<Limits> => ({ weights: weights.map((w) => holdAsStored(w, dtype)) });

/** Logits of one sequence that goes through in one step, and of its tokens one by one. */
async function run(backend: Backend, program: ReturnType<CodedProgram["model"]>, given: Partial<Limits>, count: number) {
  const tokens = tokenIds(count);
  const [whole] = await runSteps(backend, program, [[{ sequence: 0, from: 0, tokens }]], given);
  return whole!;
}

function linear(outputs: number, columns: number) {
  const program = new CodedProgram();
  const x = program.input(columns, 3, true);
  return program.model(program.op("linear", [x], ["T", outputs], {}, [program.coded([outputs, columns], 7), -1]));
}

function experts() {
  const [count, hidden, inner] = [5, 64, 96];
  const program = new CodedProgram();
  const x = program.input(hidden, 5);
  const router = program.op("linear", [x], ["T", count], {}, [program.coded([count, hidden], 11), -1]);
  const [chosen, shares] = [0, 1].map(() => program.values.push({ shape: ["T", 2], type: "activation" }) - 1);
  program.ops.push({
    op: "route",
    module: "",
    inputs: [router],
    outputs: [chosen!, shares!],
    weights: [-1],
    attributes: { count: 2, score: "chosen_softmax" },
  });
  const stacks = [program.coded([count, 2 * inner, hidden], 13), -1, program.coded([count, hidden, inner], 17), -1];
  return program.model(program.op("experts", [x, chosen!, shares!], ["T", hidden], { kind: "silu" }, stacks));
}

describe("matrices that stay in MXFP4", () => {
  // rows: one, a tile's, more than one tile's, and more than one pass
  const rows = [1, 3, 5, 12, 13, 33, 70, 512];
  const sizes: [number, number][] = [
    [1, 32],
    [40, 96],
    [200, 416],
  ];
  describe.each(sizes)("%i x %i", (outputs, columns) => {
    it.each(types)("give the bits of their values held as %s", async (dtype) => {
      const program = linear(outputs, columns);
      for (const count of rows) {
        const expected = await run(cpu, program, { weights: dtype }, count);
        expect(expected.some((value) => value !== 0)).toBe(true);
        expect(await run(cpu, program, held(program.model, dtype), count)).toEqual(expected);
      }
    });
  });

  it.each(types)("may be joined of parts of others, as %s", async (dtype) => {
    const program = new CodedProgram();
    const x = program.input(64, 3);
    const weight = program.codedParts(37, 64, 23);
    const [outputs] = program.weights[weight]!.shape;
    const made = program.model(program.op("linear", [x], ["T", outputs!], {}, [weight, -1]));
    const given = held(made.model, dtype);
    expect((given.weights as readonly { storage: string }[]).at(-1)).toMatchObject({ storage: "mxfp4" });
    const expected = await run(cpu, made, { weights: dtype }, 20);
    expect(await run(cpu, made, given, 20)).toEqual(expected);
    if (dtype === "float32") expect(difference(await run(reference, made, given, 20), expected)).toBeLessThan(1e-5);
  });

  it.each(types)("are what experts multiply by, with the bits of %s", async (dtype) => {
    const program = experts();
    for (const count of [1, 7, 90]) {
      expect(await run(cpu, program, held(program.model, dtype), count)).toEqual(
        await run(cpu, program, { weights: dtype }, count),
      );
    }
  });

  it("give the same on the reference backend, which decodes them for each op", async () => {
    const program = experts();
    const given = held(program.model, "float32");
    const expected = await run(reference, program, given, 9);
    expect(expected).toEqual(await run(reference, program, { weights: "float32" }, 9));
    expect(difference(await run(cpu, program, given, 9), expected)).toBeLessThan(1e-5);
  });

  it("take 4.25 bits a value", async () => {
    const { model, source } = linear(256, 512);
    const dense = cpu.plan(model, source, { ...limits, weights: "bfloat16" }).weights;
    const coded = cpu.plan(model, source, { ...limits, ...held(model, "bfloat16") }).weights;
    expect(dense - coded).toBe((256 * 512 * (16 - 4.25)) / 8);
    const inReference = reference.plan(model, source, { ...limits, ...held(model, "bfloat16") }).weights;
    expect(reference.plan(model, source, { ...limits, weights: "bfloat16" }).weights - inReference).toBe(
      (256 * 512 * (32 - 4.25)) / 8,
    );
    const session = await cpu.prepare(model, source, { ...limits, ...held(model, "bfloat16") });
    expect(session.memory().planned.weights).toBe(coded);
    await session.dispose();
  });

  it("are refused where the checkpoint has other values, or not every weight has an entry", () => {
    const { model, source } = linear(16, 64);
    const coded = { storage: "mxfp4", arithmetic: "float32" } as const;
    const wrong = (weights: Limits["weights"]) =>
      expect(() => cpu.plan(model, source, { ...limits, weights })).toThrow(
        expect.objectContaining({ code: "limits_invalid", details: expect.objectContaining({ limit: "weights" }) }),
      );
    wrong([coded, coded]); // the first is a table of plain numbers
    wrong([plainHolding("float32")]);
    wrong([plainHolding("float32"), { storage: "bfloat16", arithmetic: "float32" }]);
    wrong([plainHolding("float32"), { storage: "mxfp4", arithmetic: "int4" as "float32" }]);
  });
});

describe("weights of one model", () => {
  it("may each be held in another way", async () => {
    const { model, source } = experts();
    const mixed = model.weights.map((weight, index) =>
      index % 2 === 0 ? holdAsStored(weight, "bfloat16") : plainHolding("float32"),
    );
    expect(new Set(mixed.map(({ storage }) => storage)).size).toBeGreaterThan(1);
    const expected = await run(cpu, { model, source }, { weights: "float32" }, 20);
    expect(difference(await run(cpu, { model, source }, { weights: mixed }, 20), expected)).toBeLessThan(0.02);
  });
});
