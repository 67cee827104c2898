import { describe, expect, it } from "vitest";
import { createCpuBackend } from "../../src/backends/cpu/index.ts";
import { createReferenceBackend } from "../../src/backends/reference/index.ts";
import type { Attributes } from "../../src/ops/program.ts";
import {
  difference,
  limits,
  makeBatch,
  noise,
  type Part,
  ProgramBuilder,
  runStep,
  runSteps,
  tokenIds,
} from "./support/programs.ts";

const cpu = createCpuBackend();
const reference = createReferenceBackend();

interface Shape {
  experts: number;
  count: number;
  hidden: number;
  inner: number;
  bias?: boolean;
  route: Attributes;
  feed: Attributes;
}

const shapes: Shape[] = [
  { experts: 4, count: 2, hidden: 32, inner: 48, route: { score: "softmax", normalize: true }, feed: { kind: "silu" } },
  { experts: 5, count: 5, hidden: 7, inner: 3, route: { score: "softmax" }, feed: { kind: "gelu" } },
  {
    experts: 7,
    count: 3,
    hidden: 11,
    inner: 20,
    route: { score: "softmax", normalize: true, factor: 1.5, gained: true },
    feed: { kind: "gelu_tanh" },
  },
  {
    experts: 6,
    count: 3,
    hidden: 33,
    inner: 131,
    bias: true,
    route: { score: "chosen_softmax" },
    feed: { kind: "quick_gelu", limit: 0.7, upOffset: 1, interleaved: true },
  },
  {
    experts: 12,
    count: 2,
    hidden: 20,
    inner: 9,
    route: { score: "sigmoid", groups: 4, topGroups: 2, normalize: true, factor: 2.5, corrected: true },
    feed: { kind: "silu", limit: 1 },
  },
  {
    experts: 9,
    count: 3,
    hidden: 20,
    inner: 9,
    route: { score: "softmax", groups: 3, topGroups: 2, groupsByBest: true, factor: 2.5 },
    feed: { kind: "silu" },
  },
  { experts: 6, count: 1, hidden: 33, inner: 20, route: { score: "chosen_sigmoid" }, feed: { kind: "silu", scaleInput: true } },
  {
    experts: 5,
    count: 3,
    hidden: 17,
    inner: 31,
    bias: true,
    route: { score: "chosen_sigmoid", normalize: true, factor: 1.5 },
    feed: { kind: "gelu", scaleInput: true, limit: 0.8 },
  },
];

function mixtureModel({ experts, count, hidden, inner, bias, route, feed }: Shape) {
  const builder = new ProgramBuilder();
  const x = builder.input(hidden, 1);
  const matrix = (shape: number[], seed: number) =>
    builder.weight(
      shape,
      ["matmul"],
      noise(
        shape.reduce((a, b) => a * b),
        seed,
      ).map((v) => v / Math.sqrt(shape.at(-1)!)),
    );
  const vector = (shape: number[], seed: number) =>
    builder.weight(
      shape,
      ["vector"],
      noise(
        shape.reduce((a, b) => a * b),
        seed,
      ),
    );
  const logits = builder.op("linear", [x], ["T", experts], {}, [matrix([experts, hidden], 2), -1]);
  const { corrected, gained, ...attributes } = route;
  const correction = corrected ? vector([experts], 3) : -1;
  const perExpert = gained ? [correction, vector([experts], 8)] : corrected ? [correction] : [];
  const chosen = builder.op("route", [logits], ["T", count], { count, ...attributes }, perExpert);
  const shares = builder.values.push({ shape: ["T", count], type: "activation" }) - 1;
  builder.ops[builder.ops.length - 1] = { ...builder.ops.at(-1)!, outputs: [chosen, shares] };
  const weights = [
    matrix([experts, 2 * inner, hidden], 4),
    bias ? vector([experts, 2 * inner], 5) : -1,
    matrix([experts, hidden, inner], 6),
    bias ? vector([experts, hidden], 7) : -1,
  ];
  return builder.model(builder.op("experts", [x, chosen, shares], ["T", hidden], feed, weights));
}

function headModel() {
  const builder = new ProgramBuilder();
  const x = builder.input(3 * 10, 1);
  const values = noise(3 * 24 * 10, 2).map((v) => v / 4);
  const y = builder.op("head_linear", [x], ["T", 3 * 24], {}, [builder.weight([3, 24, 10], ["matmul"], values)]);
  return builder.model(builder.op("join_heads", [y, x], ["T", 3 * 34], { heads: 3 }));
}

const models: [string, () => ReturnType<typeof mixtureModel>][] = [
  ...shapes.map((shape): [string, () => ReturnType<typeof mixtureModel>] => [
    `${shape.count} of ${shape.experts} experts, ${shape.hidden} and ${shape.inner} wide`,
    () => mixtureModel(shape),
  ]),
  ["a matrix for each head", headModel],
];

describe.each(models)("%s", (_, build) => {
  const steps: Part[][] = [
    [{ sequence: 0, from: 0, tokens: tokenIds(61) }],
    [{ sequence: 0, from: 61, tokens: tokenIds(1, 2) }],
  ];
  it.each([
    ["float32", 2e-6],
    ["bfloat16", 2e-2],
  ] as const)("as the reference in %s", async (weights, tolerance) => {
    const native = await runSteps(cpu, build(), steps, { weights });
    const expected = await runSteps(reference, build(), steps, { weights });
    native.forEach((values, index) => {
      expect(difference(values, expected[index]!)).toBeLessThan(tolerance);
    });
  });

  it.each(["float32", "bfloat16"] as const)("gives a row the same bits alone and beside others: %s", async (weights) => {
    const tokens = tokenIds(61);
    const [whole] = await runSteps(cpu, build(), [[{ sequence: 0, from: 0, tokens }]], { weights });
    for (const threads of [1, 3]) {
      const { model, source } = build();
      const session = await cpu.prepare(model, source, { ...limits, weights }, { threads });
      for (const place of [0, 17, 60]) {
        const alone = await runStep(
          session,
          makeBatch([{ sequence: 0, from: 0, tokens: [tokens[place]!] }], 0, cpu.blockTokens, 8),
        );
        const width = alone.length;
        expect([...alone]).toEqual([...whole!.subarray(place * width, (place + 1) * width)]);
      }
      await session.dispose();
    }
  });
});
