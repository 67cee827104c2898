import { describe, expect, it } from "vitest";
import type { Limits, WeightSource } from "../../src/backends/backend.ts";
import { createCpuBackend } from "../../src/backends/cpu/index.ts";
import { createReferenceBackend } from "../../src/backends/reference/index.ts";
import type { Attributes, Model } from "../../src/ops/program.ts";
import { difference, limits, makeBatch, noise, ProgramBuilder, runStep, runSteps, tokenIds } from "./support/programs.ts";

const widths = [1, 7, 31, 33, 63, 65, 127];
const cpu = createCpuBackend();
const reference = createReferenceBackend();

/** Runs a program on both backends, once with one token and once with 33, and gives the greatest difference. */
async function compare(build: () => ReturnType<ProgramBuilder["model"]>, given = {}): Promise<number> {
  const steps = [[{ sequence: 0, from: 0, tokens: tokenIds(33) }], [{ sequence: 0, from: 33, tokens: [5] }]];
  const [native, expected] = [await runSteps(cpu, build(), steps, given), await runSteps(reference, build(), steps, given)];
  return Math.max(...native.map((values, index) => difference(values, expected[index]!)));
}

function unary(
  op: string,
  width: number,
  attributes: Attributes,
  outliers = true,
  weights: (b: ProgramBuilder) => number[] = () => [],
) {
  return () => {
    const builder = new ProgramBuilder();
    const x = builder.input(width, 1, outliers);
    return builder.model(builder.op(op, [x], ["T", width], attributes, weights(builder)));
  };
}

describe("element-wise ops", () => {
  it.each(widths)("add, multiply, scale, rows at width %i give the very same values", async (width) => {
    const build = () => {
      const builder = new ProgramBuilder();
      const [a, b] = [builder.input(width, 1, true), builder.input(width, 2)];
      const sum = builder.op("add", [a, b], ["T", width]);
      const scaled = builder.op("scale", [sum], ["T", width], { factor: 0.37 });
      return builder.model(builder.op("multiply", [scaled, a], ["T", width]));
    };
    expect(await compare(build)).toBe(0);
  });

  it.each(widths)("xielu at width %i, with numbers of its own and without", async (width) => {
    const one = (b: ProgramBuilder, value: number) => b.weight([1], ["vector"], Float32Array.of(value));
    const short = (b: ProgramBuilder) => [one(b, 0.3), one(b, -0.7), -1, -1];
    const whole = (b: ProgramBuilder) => [one(b, 21), one(b, 0.4), one(b, 0.25), one(b, -0.5)];
    for (const outliers of [false, true]) {
      expect(await compare(unary("xielu", width, {}, outliers, short))).toBeLessThan(1e-6);
      expect(await compare(unary("xielu", width, {}, outliers, whole))).toBeLessThan(1e-6);
    }
  });

  it.each(widths)("a learned scale of the last columns of %i gives the very same values", async (width) => {
    const build = () => {
      const builder = new ProgramBuilder();
      const first = Math.floor(width / 2);
      const last = builder.op("columns", [builder.input(width, 1, true)], ["T", width - first], {
        first,
        count: width - first,
      });
      const factor = builder.weight([1], ["vector"], Float32Array.of(0.37));
      const scaled = builder.op("scale", [last], ["T", width - first], {}, [factor]);
      const each = builder.weight([width - first], ["vector"], noise(width - first, 5));
      return builder.model(builder.op("scale", [scaled], ["T", width - first], {}, [each]));
    };
    expect(await compare(build)).toBe(0);
  });

  it.each(widths)("sums with weights of each token, magnitudes and cuts at width %i", async (width) => {
    const build = () => {
      const builder = new ProgramBuilder();
      const [a, b, weights] = [builder.input(width, 1), builder.input(width, 2, true), builder.input(5, 3)];
      const sum = builder.op("weighted_sum", [weights, a, b], ["T", width], { first: 3, offset: 1 });
      const alike = builder.op("match_magnitude", [sum, a], ["T", width], { epsilon: 1e-5 });
      return builder.model(builder.op("gaussian_cut", [alike], ["T", width], { deviations: -0.25 }));
    };
    expect(await compare(build)).toBeLessThan(5e-7);
  });

  it.each(["bfloat16", "float16"])("a scale of rows is rounded as they are where it says so: %s", async (weights) => {
    const build = (roundScale: boolean) => () => {
      const builder = new ProgramBuilder();
      const table = builder.weight([64, 7], ["gather"], noise(448, 1));
      return builder.model(builder.op("embed", [], ["T", 7], { scale: 33.941, roundScale }, [table]));
    };
    for (const roundScale of [true, false]) expect(await compare(build(roundScale), { weights })).toBe(0);
    const step = [[{ sequence: 0, from: 0, tokens: tokenIds(3) }]];
    const [[plain], [rounded]] = [
      await runSteps(cpu, build(false)(), step, { weights: weights as Limits["weights"] }),
      await runSteps(cpu, build(true)(), step, { weights: weights as Limits["weights"] }),
    ];
    const nearest = weights === "bfloat16" ? 34 : 33.9375;
    rounded!.forEach((value, i) => {
      expect(value).toBeCloseTo((plain![i]! / 33.941) * nearest, 4);
    });
  });

  it("tokens beyond a table have another row", async () => {
    const build = () => {
      const builder = new ProgramBuilder();
      const table = builder.weight([5, 7], ["gather"], noise(35, 1));
      return builder.model(builder.op("embed", [], ["T", 7], { scale: 1.5, otherwise: 3 }, [table]));
    };
    expect(await compare(build)).toBe(0);
  });

  const kinds = [
    "silu",
    "gelu",
    "gelu_tanh",
    "quick_gelu",
    "relu",
    "relu2",
    "relu6",
    "sigmoid",
    "tanh",
    "linear",
    "gelu_new",
    "gelu_fast",
    "gelu_10",
    "hardswish",
    "leaky_relu",
    "laplace",
    "mish",
  ];
  it.each(kinds)("activation %s", async (kind) => {
    for (const width of [7, 65]) {
      // without outliers, small results are held to a tight tolerance too
      expect(await compare(unary("activation", width, { kind }))).toBeLessThan(5e-7);
      expect(await compare(unary("activation", width, { kind }, false))).toBeLessThan(5e-7);
    }
  });

  it.each(widths)("gated activation at width %i", async (width) => {
    const build = () => {
      const builder = new ProgramBuilder();
      const [gate, up] = [builder.input(width, 1, true), builder.input(width, 2)];
      return builder.model(builder.op("gated_activation", [gate, up], ["T", width], { kind: "silu" }));
    };
    expect(await compare(build)).toBeLessThan(5e-7);
  });
});

describe("scale_by_position", () => {
  it.each(widths)("at width %i, with pads and without, over several sequences", async (width) => {
    for (const countsPadding of [false, true]) {
      const attributes = { strength: 0.4, length: 6, offset: 1, countsPadding };
      const build = unary("scale_by_position", width, attributes);
      expect(await compare(build)).toBeLessThan(3e-7);
      const run = async (backend: typeof cpu, padding: number[]) => {
        const { model, source } = build();
        const session = await backend.prepare(model, source, limits);
        const parts = [
          { sequence: 0, from: 4, tokens: tokenIds(9) },
          { sequence: 1, from: 0, tokens: tokenIds(1) },
          { sequence: 2, from: 2, tokens: tokenIds(7) },
        ];
        const batch = { ...makeBatch(parts, 0, backend.blockTokens, 8), padding: Int32Array.from(padding) };
        const values = await runStep(session, batch);
        await session.dispose();
        return values;
      };
      const padded = await run(cpu, [0, 17, 5]);
      expect(difference(padded, await run(reference, [0, 17, 5]))).toBeLessThan(3e-7);
      const plain = await run(cpu, [0, 0, 0]);
      expect(padded.slice(0, 9 * width)).toEqual(plain.slice(0, 9 * width));
      const [, single, rest] = [0, 9, 10].map((row, i, all) =>
        [padded, plain].map((of) => of.slice(row * width, (all[i + 1] ?? 17) * width)),
      );
      for (const [given, other] of [single!, rest!]) expect(difference(given!, other!) > 1e-3).toBe(countsPadding);
    }
  });
});

describe("norms", () => {
  it.each(widths)("rms_norm at width %i", async (width) => {
    const weights = (b: ProgramBuilder) => [b.weight([width], ["vector"], noise(width, 9))];
    expect(await compare(unary("rms_norm", width, { epsilon: 1e-5 }, true, weights))).toBeLessThan(1e-6);
    expect(await compare(unary("rms_norm", width, { epsilon: 1e-5, unitOffset: true }, true, weights))).toBeLessThan(1e-6);
    expect(await compare(unary("rms_norm", width, { epsilon: 1e-5 }, true, () => [-1]))).toBeLessThan(1e-6);
  });

  it.each([1, 7, 33])("rms_norm of three groups of %i", async (groupSize) => {
    const weights = (b: ProgramBuilder) => [b.weight([groupSize], ["vector"], noise(groupSize, 9))];
    const build = unary("rms_norm", groupSize * 3, { epsilon: 1e-6, groupSize }, true, weights);
    expect(await compare(build)).toBeLessThan(1e-6);
  });

  it.each(widths)("layer_norm at width %i", async (width) => {
    const both = (b: ProgramBuilder) => [
      b.weight([width], ["vector"], noise(width, 8)),
      b.weight([width], ["vector"], noise(width, 9)),
    ];
    // one value has no variance: rounding of the mean is all that is left
    const tolerance = width === 1 ? 1e-4 : 2e-6;
    expect(await compare(unary("layer_norm", width, { epsilon: 1e-5 }, true, both))).toBeLessThan(tolerance);
    expect(await compare(unary("layer_norm", width, { epsilon: 1e-5 }, false, () => [-1, -1]))).toBeLessThan(tolerance);
    const offset = unary("layer_norm", width, { epsilon: 1e-5, unitOffset: true }, true, both);
    expect(await compare(offset)).toBeLessThan(2 * tolerance);
  });
});

describe("norms of groups", () => {
  it.each([1, 7, 33])("layer_norm of three groups of %i", async (groupSize) => {
    const vector = (b: ProgramBuilder, shape: number[], seed: number) =>
      b.weight(shape, ["vector"], noise(shape.length === 1 ? groupSize : 3 * groupSize, seed));
    const run = (shape: number[]) =>
      compare(
        unary("layer_norm", groupSize * 3, { epsilon: 1e-5, groupSize }, false, (b) => [
          vector(b, shape, 8),
          vector(b, shape, 9),
        ]),
      );
    const tolerance = groupSize === 1 ? 1e-4 : 2e-6;
    expect(await run([groupSize])).toBeLessThan(tolerance);
    expect(await run([3, groupSize])).toBeLessThan(tolerance);
  });
});

describe("rotary", () => {
  const shapes = [
    { heads: 1, headDim: 2, rotaryDim: 2 },
    { heads: 3, headDim: 33, rotaryDim: 14 },
    { heads: 2, headDim: 64, rotaryDim: 64 },
    { heads: 2, headDim: 65, rotaryDim: 62 },
  ];
  const frequencies = (dim: number) => Array.from({ length: dim / 2 }, (_, i) => Math.fround(1 / 10000 ** ((2 * i) / dim)));

  it.each(shapes)("turns heads of $headDim, $rotaryDim of them", async (shape) => {
    for (const interleaved of [false, true]) {
      const attributes = { ...shape, interleaved, frequencies: frequencies(shape.rotaryDim), scaling: 1.25 };
      expect(await compare(unary("rotary", shape.heads * shape.headDim, attributes))).toBeLessThan(3e-7);
    }
  });

  it("changes its frequencies in long sequences (longrope)", async () => {
    const shape = { heads: 2, headDim: 16, rotaryDim: 16, interleaved: false, scaling: 1.1 };
    const attributes = { ...shape, frequencies: frequencies(16), longFrequencies: frequencies(16).map((f) => f / 3) };
    // the step of 33 tokens is short where the one after it is long
    for (const longLength of [20, 33]) {
      expect(await compare(unary("rotary", 32, { ...attributes, longLength }))).toBeLessThan(3e-7);
    }
  });

  it("grows the base with the length (dynamic NTK)", async () => {
    const dynamic = { dynamicBase: 10000, dynamicFactor: 2, dynamicOriginalLength: 20 };
    const shape = { heads: 2, headDim: 16, rotaryDim: 16 };
    const attributes = { ...shape, interleaved: false, frequencies: frequencies(16), scaling: 1, ...dynamic };
    const still = { ...attributes, dynamicOriginalLength: 1000 };
    expect(await compare(unary("rotary", 32, attributes))).toBeLessThan(3e-6);
    const steps = [[{ sequence: 0, from: 0, tokens: tokenIds(33) }]];
    const [grown] = await runSteps(cpu, unary("rotary", 32, attributes)(), steps);
    const [same] = await runSteps(cpu, unary("rotary", 32, still)(), steps);
    expect(difference(grown!, same!)).toBeGreaterThan(0.01);
  });
});

describe("weights", () => {
  const dtypes = ["float32", "bfloat16", "float16"] as const;

  it.each(dtypes)("linear, gather and a tied weight held as %s", async (weights) => {
    // bfloat16 matmuls round x to bfloat16 too; the reference does not
    const tolerance = weights === "bfloat16" ? 1e-2 : 2e-6;
    for (const width of widths) {
      const build = () => {
        const builder = new ProgramBuilder();
        const tied = builder.weight([64, width], ["matmul", "gather"], noise(64 * width, 1));
        const x = builder.op("embed", [], ["T", width], { scale: 1.5 }, [tied]);
        const bias = builder.weight([64], ["vector"], noise(64, 2));
        return builder.model(builder.op("linear", [x], ["T", 64], {}, [tied, bias]));
      };
      expect(await compare(build, { weights }), `width ${width}`).toBeLessThan(tolerance);
    }
  });

  it.each(dtypes)("linear held as %s gives a row the same bits whatever the number of rows", async (weights) => {
    // more columns than a strip has, and outputs enough for several of the widest tiles in one chunk
    const [columns, outputs] = [150, 600];
    const oneThread = { ...cpu, prepare: (m: Model, s: WeightSource, l: Limits) => cpu.prepare(m, s, l, { threads: 1 }) };
    const builder = new ProgramBuilder();
    const x = builder.input(columns, 1);
    const weight = builder.weight([outputs, columns], ["matmul"], noise(outputs * columns, 2));
    const made = builder.model(builder.op("linear", [x], ["T", outputs], {}, [weight, -1]));
    const ids = tokenIds(40);
    const alone = ids.map((id) => [{ sequence: 0, from: 0, tokens: [id] }]);
    const together = ids.map((_, last) => [{ sequence: 0, from: 0, tokens: ids.slice(0, last + 1) }]);
    const results = await runSteps(oneThread, made, [...alone, ...together], { weights });
    const rows = results.slice(0, ids.length);
    const wrong = ids.filter((_, last) => {
      const got = results[ids.length + last]!;
      return got.some((value, i) => value !== rows[Math.floor(i / outputs)]![i % outputs]);
    });
    expect(wrong).toEqual([]);
  });

  it.each(dtypes)("embeddings of tokens and positions held as %s are exact", async (weights) => {
    const build = () => {
      const builder = new ProgramBuilder();
      const table = builder.weight([64, 33], ["gather"], noise(64 * 33, 1, true));
      const positions = builder.weight([40, 33], ["gather"], noise(40 * 33, 2));
      const tokens = builder.op("embed", [], ["T", 33], {}, [table]);
      const places = builder.op("embed_position", [], ["T", 33], { offset: 2 }, [positions]);
      return builder.model(builder.op("add", [tokens, places], ["T", 33]));
    };
    expect(await compare(build, { weights })).toBe(0);
  });

  it("adds a residual in the matmul just as after it", async () => {
    const build = (output: boolean) => {
      const builder = new ProgramBuilder();
      const x = builder.input(33, 1);
      const weight = builder.weight([33, 33], ["matmul"], noise(33 * 33, 2));
      const product = builder.op("linear", [x], ["T", 33], {}, [weight, -1]);
      const sum = builder.op("add", [x, product], ["T", 33]);
      // a second reader of the product keeps the two ops apart
      const also = output ? builder.op("scale", [product], ["T", 33], { factor: 0 }) : undefined;
      return builder.model(also === undefined ? sum : builder.op("add", [sum, also], ["T", 33]));
    };
    const steps = [[{ sequence: 0, from: 0, tokens: tokenIds(33) }]];
    const [folded, apart] = [await runSteps(cpu, build(false), steps), await runSteps(cpu, build(true), steps)];
    expect(difference(folded[0]!, apart[0]!)).toBe(0);
  });
});

describe("bfloat16 activations", () => {
  const given = { weights: "bfloat16", activation: "bfloat16", cache: "bfloat16" } as const;
  const isRounded = (value: number) => (new Uint32Array(Float32Array.of(value).buffer)[0]! & 0xffff) === 0;

  /** The share of values that differ, and the greatest difference; every value is a bfloat16. */
  async function compared(build: () => ReturnType<ProgramBuilder["model"]>) {
    const steps = [[{ sequence: 0, from: 0, tokens: tokenIds(33) }], [{ sequence: 0, from: 33, tokens: [5] }]];
    const [native, expected] = [await runSteps(cpu, build(), steps, given), await runSteps(reference, build(), steps, given)];
    expect(native.every((values) => values.every(isRounded))).toBe(true);
    const [values, want] = [native, expected].map((all) => Float32Array.from(all.flatMap((step) => [...step])));
    const others = values!.filter((value, i) => value !== want![i]).length;
    return { others: others / values!.length, worst: difference(values!, want!) };
  }

  it.each(widths)("sums, products, scales, gates and norms at width %i give the very same values", async (width) => {
    const weight = (b: ProgramBuilder) => b.weight([width], ["vector"], noise(width, 4));
    const builds = [
      () => {
        const builder = new ProgramBuilder();
        const [a, b] = [builder.input(width, 1, true), builder.input(width, 2)];
        const scaled = builder.op("scale", [builder.op("add", [a, b], ["T", width])], ["T", width], { factor: 0.37 });
        return builder.model(builder.op("multiply", [scaled, a], ["T", width]));
      },
      unary("clamp", width, { least: -0.3, greatest: 0.71 }),
      unary("activation", width, { kind: "relu2" }),
      unary("rms_norm", width, { epsilon: 1e-6 }, true, (b) => [weight(b)]),
      unary("rms_norm", width, { epsilon: 1e-6, roundOnce: true }, true, (b) => [weight(b)]),
      unary("layer_norm", width, { epsilon: 1e-6 }, true, (b) => [weight(b), weight(b)]),
    ];
    for (const build of builds) expect((await compared(build)).others).toBeLessThan(0.01);
  });

  it.each(["silu", "gelu", "gelu_tanh", "gelu_new", "gelu_fast", "quick_gelu", "tanh"])(
    "activation %s, alone and as a gate",
    async (kind) => {
      const gated = (attributes: Attributes) => () => {
        const builder = new ProgramBuilder();
        return builder.model(
          builder.op("gated_activation", [builder.input(65, 1), builder.input(65, 2)], ["T", 65], attributes),
        );
      };
      for (const build of [unary("activation", 65, { kind }, false), gated({ kind }), gated({ kind, unroundedGate: true })]) {
        const { others, worst } = await compared(build);
        expect(others).toBeLessThan(0.01);
        expect(worst).toBeLessThan(8e-3);
      }
    },
  );

  it.each([undefined, "products", "all"])("rotary, unrounded: %s", async (unrounded) => {
    for (const interleaved of [false, true]) {
      const frequencies = Array.from({ length: 11 }, (_, i) => Math.fround(1 / 100 ** (i / 11)));
      const attributes = { heads: 3, headDim: 25, rotaryDim: 22, interleaved, frequencies, scaling: 1.1, unrounded };
      expect((await compared(unary("rotary", 75, attributes))).others).toBeLessThan(0.01);
    }
  });

  it.each([1, 33])("linear with a bias and a residual, %i outputs", async (outputs) => {
    for (const roundProduct of [false, true]) {
      const build = () => {
        const builder = new ProgramBuilder();
        const matrix = builder.weight([outputs, 65], ["matmul"], noise(outputs * 65, 3));
        const bias = builder.weight([outputs], ["vector"], noise(outputs, 4));
        const [x, residual] = [builder.input(65, 1), builder.input(outputs, 2)];
        const y = builder.op("linear", [x], ["T", outputs], { roundProduct }, [matrix, bias]);
        return builder.model(builder.op("add", [residual, y], ["T", outputs]));
      };
      const { others, worst } = await compared(build);
      expect(others).toBeLessThan(0.01);
      expect(worst).toBeLessThan(8e-3);
    }
  });
});
