import { describe, expect, it } from "vitest";
import type { Backend, Limits } from "../../src/backends/backend.ts";
import { createCpuBackend } from "../../src/backends/cpu/index.ts";
import { plainHolding, type WeightHolding } from "../../src/backends/weight-holding.ts";
import { codeTables } from "../../src/tensor/code-layout.ts";
import { multiplyInt8, quantiseInputs, takesInt8 } from "../../src/tensor/int8-products.ts";
import { quantiserNamed } from "../../src/tensor/quantisers/index.ts";
import { difference, limits, noise, ProgramBuilder, runSteps, tokenIds } from "./support/programs.ts";

const cpu = createCpuBackend();

const formats = [
  ["int8", { storage: "int8", quantise: {} }],
  ["int4 of 32", { storage: "int4", quantise: { table: "int4", group: 32 } }],
  ["int4 of 64", { storage: "int4", quantise: { table: "int4", group: 64 } }],
  ["iq4nl of 32", { storage: "int4", quantise: { table: "iq4nl", group: 32 } }],
  ["nf4", { storage: "bitsandbytes4", quantise: { from: "float32", type: "nf4", double: false, inputsFirst: false } }],
  ["fp4", { storage: "bitsandbytes4", quantise: { from: "float32", type: "fp4", double: false, inputsFirst: false } }],
] as const;

/** x · Wᵀ of `outputs` rows; x are the first `columns` of a table's rows. */
function linear(outputs: number, columns: number) {
  const program = new ProgramBuilder();
  const x = program.input(columns, 3, true);
  const weight = program.weight([outputs, columns], ["matmul"], noise(outputs * columns, 7));
  return program.model(program.op("linear", [x], ["T", outputs], {}, [weight, -1]));
}

function held({ storage, quantise }: Pick<WeightHolding, "storage" | "quantise">): Partial<Limits> {
  return { weights: [plainHolding("float32"), { storage, arithmetic: "int8", quantise: quantise! }] };
}

async function rows(program: ReturnType<typeof linear>, given: Partial<Limits>, count: number, backend: Backend = cpu) {
  const [logits] = await runSteps(backend, program, [[{ sequence: 0, from: 0, tokens: tokenIds(count) }]], given);
  return logits!;
}

describe("matmuls in int8 arithmetic", () => {
  const sizes: [number, number][] = [
    [1, 64],
    [37, 192],
    [20, 1088],
  ];
  describe.each(formats)("%s", (name, format) => {
    it.each(sizes)("sum integers as the reference does: %i x %i", async (outputs, columns) => {
      const quantiser = quantiserNamed(format.storage)!;
      const layout = quantiser.layout(format.quantise, columns)!;
      const program = linear(outputs, columns);
      const given = held(format);
      const count = 70;
      const weights = quantiser.quantise(noise(outputs * columns, 7), columns, format.quantise);
      const table = noise(64 * columns, 3, true);
      const x = Float32Array.from(tokenIds(count).flatMap((id) => [...table.subarray(id * columns, (id + 1) * columns)]));
      const expected = multiplyInt8(layout, weights, x);
      const all = await rows(program, given, count);
      // one group: its sum is scaled in two exact roundings, so that every bit says that the integers are right
      if (name === "int8") expect(all).toEqual(expected);
      else expect(difference(all, expected)).toBeLessThan(1e-6);
      // a row's bits do not depend on how many there are: one, a tile's, several tiles', strips of columns for more
      for (const few of [1, 3, 8, 13, 33]) expect(await rows(program, given, few)).toEqual(all.subarray(0, few * outputs));
    });
  });

  it("give the same by any number of threads", async () => {
    const program = linear(300, 1088);
    const given = held(formats[3][1]);
    const alone = {
      ...cpu,
      prepare: ((...args) => cpu.prepare(args[0], args[1], args[2], { threads: 1 })) as typeof cpu.prepare,
    };
    expect(await rows(program, given, 60, alone)).toEqual(await rows(program, given, 60));
  });

  it("are refused for plain numbers and 8-bit floats", () => {
    const { model, source } = linear(16, 64);
    const plain = { storage: "float32", arithmetic: "int8" } as const;
    expect(() => cpu.plan(model, source, { ...limits, weights: [plainHolding("float32"), plain] })).toThrow(
      expect.objectContaining({ code: "limits_invalid" }),
    );
    const float8 = { bits: 8, group: "row", table: "float8", scale: "float32", offset: "none", permuted: false } as const;
    expect(takesInt8(float8, 64)).toBe(false);
    expect(takesInt8({ ...float8, table: "int8" }, 64)).toBe(true);
    expect(takesInt8({ ...float8, table: "int8" }, 100_000)).toBe(false);
  });
});

describe("quantiseInputs", () => {
  it("rounds to the nearest, ties to even, by the greatest of each group", () => {
    const { codes, scales, sums } = quantiseInputs(Float32Array.of(127, 0.5, 1.5, -2.5, 0, 1e-31, 0, 0), 8, 4);
    expect([...codes]).toEqual([127, 0, 2, -2, 0, 0, 0, 0]);
    expect([...scales]).toEqual([1, 0]);
    expect([...sums]).toEqual([127, 0]);
    expect(quantiseInputs(Float32Array.of(1, Number.NaN), 2, 2).scales).toEqual(Float32Array.of(Number.NaN));
  });
});

describe("the quantiser int4", () => {
  const { quantise } = quantiserNamed("int4")!;
  const values = noise(64 * 256, 5).map((value, i) => value + noise(64 * 256, 9)[i]! * 0.7);
  const error = (table: "int4" | "iq4nl", group: number) => {
    const { codes, scales } = quantise(values, 256, { table, group });
    return codes.reduce(
      (sum, code, i) => sum + (codeTables[table][code]! * scales[Math.floor(i / group)]! - values[i]!) ** 2,
      0,
    );
  };
  /** Q4_0: the value that is furthest from 0 becomes -8. */
  const rounded = () => {
    let sum = 0;
    for (let at = 0; at < values.length; at += 32) {
      const part = values.subarray(at, at + 32);
      const most = part.reduce((best, value) => (Math.abs(value) > Math.abs(best) ? value : best), 0);
      const scale = most / -8;
      for (const value of part) sum += (Math.min(15, Math.floor(value / scale + 8.5)) * scale - 8 * scale - value) ** 2;
    }
    return sum;
  };

  it("leaves less error than rounding to the greatest value, at the same size", () => {
    expect(error("int4", 32)).toBeLessThan(0.95 * rounded());
    expect(error("iq4nl", 32)).toBeLessThan(rounded());
  });

  it.each([
    ["int4", 32, 96],
    ["int4", 64, 200],
    ["iq4nl", 32, 96],
    ["iq4nl", 64, 72],
  ] as const)("is the same in native code: %s, groups of %i, %i columns", async (table, group, columns) => {
    const outputs = 37;
    const weights = noise(outputs * columns, 3).map((value, i) => {
      const row = Math.floor(i / columns);
      if (row === 5) return 0;
      if (row === 6) return (i % 255) / 2 - 64; // many are on a border
      return value * 2 ** (row - 30) * (i % 41 === 7 ? 20 : 1);
    });
    const program = new ProgramBuilder();
    // rows of the table pick columns of the matrix, one each
    const one = program.weight([columns, columns], ["gather"], new Float32Array(columns * columns));
    for (let i = 0; i < columns; i++) program.weights[one]!.values[i * columns + i] = 1;
    const x = program.op("embed", [], ["T", columns], {}, [one]);
    const matrix = program.weight([outputs, columns], ["matmul"], weights);
    const made = program.model(program.op("linear", [x], ["T", outputs], {}, [matrix, -1]), columns);
    const holding = { storage: "int4", arithmetic: "float32", quantise: { table, group } } as const;
    const tokens = Array.from({ length: columns }, (_, i) => i);
    const given = { weights: [plainHolding("float32"), holding] };
    const [picked] = await runSteps(cpu, made, [[{ sequence: 0, from: 0, tokens }]], given);
    const { codes, scales } = quantise(weights, columns, { table, group });
    const groups = Math.ceil(columns / group);
    const expected = weights.map((_, at) => {
      const [column, row] = [Math.floor(at / outputs), at % outputs];
      const value = codeTables[table][codes[row * columns + column]!]!;
      return 0 + value * scales[row * groups + Math.floor(column / group)]!;
    });
    expect(picked).toEqual(expected);
  });

  it("keeps zeros", () => {
    const { scales } = quantise(new Float32Array(64), 64, { table: "iq4nl", group: 32 });
    expect([...scales]).toEqual([0, 0]);
  });
});
