import { describe, expect, it } from "vitest";
import { isClose, runOp, tensor } from "../../test/helpers/run-op.ts";
import { activationKinds, erf } from "./activation-kinds.ts";
import { opDefinition, ops } from "./registry.ts";

const x = [-3, -1, -0.1, 0, 0.5, 2, 7];

// from transformers.activations.ACT2FN in float32, whose 1 + erf cancels digits: gelu(-3) is -0.00404969
const golden: Record<keyof typeof activationKinds, number[]> = {
  silu: [-0.1422776, -0.2689414, -0.0475021, 0, 0.3112297, 1.7615941, 6.9936228],
  gelu: [-0.0040502, -0.1586553, -0.0460172, 0, 0.3457312, 1.9544997, 7],
  gelu_tanh: [-0.0036374, -0.158808, -0.0460172, 0, 0.345714, 1.9545977, 7],
  gelu_new: [-0.0036374, -0.158808, -0.0460172, 0, 0.345714, 1.9545977, 7],
  gelu_fast: [-0.0036374, -0.158808, -0.0460172, 0, 0.345714, 1.9545977, 7],
  quick_gelu: [-0.0180713, -0.1542042, -0.0457552, 0, 0.3503884, 1.9356586, 6.9999533],
  relu: [0, 0, 0, 0, 0.5, 2, 7],
  relu2: [0, 0, 0, 0, 0.25, 4, 49],
  relu6: [0, 0, 0, 0, 0.5, 2, 6],
  sigmoid: [0.0474259, 0.2689414, 0.4750208, 0.5, 0.6224594, 0.880797, 0.999089],
  tanh: [-0.9950548, -0.7615942, -0.099668, 0, 0.4621172, 0.9640276, 0.9999983],
  linear: x,
  gelu_10: [-0.0040502, -0.1586553, -0.0460172, 0, 0.3457312, 1.9544997, 7],
  hardswish: [0, -0.3333333, -0.0483333, 0, 0.2916667, 1.6666666, 7],
  leaky_relu: [-0.03, -0.01, -0.001, 0, 0.5, 2, 7],
  laplace: [0, 0, 0.0021107, 0.0060945, 0.2314211, 0.9999977, 1],
  mish: [-0.1456475, -0.3034015, -0.0567886, 0, 0.3752452, 1.943959, 6.9999886],
};

describe("activation", () => {
  it.each(Object.entries(golden))("%s", (kind, want) => {
    const [got] = runOp("activation", { inputs: [tensor([1, 7], x)], attributes: { kind } });
    expect(isClose(got!, want, 6e-7)).toBe(true);
    const [gated] = runOp("gated_activation", {
      inputs: [tensor([1, 7], x), tensor([1, 7], Array(7).fill(-2))],
      attributes: { kind },
    });
    const doubled = want.map((value) => -2 * value);
    expect(isClose(gated!, doubled, 12e-7)).toBe(true);
  });

  it("gelu_10 ends at 10", () => {
    expect(runOp("activation", { inputs: [tensor([1, 2], [9, 12])], attributes: { kind: "gelu_10" } })[0]).toEqual([9, 10]);
  });

  it("stays finite far from zero", () => {
    for (const kind of Object.keys(activationKinds)) {
      const [got] = runOp("activation", { inputs: [tensor([1, 2], [-1000, 1000])], attributes: { kind } });
      expect(got!.every(Number.isFinite), kind).toBe(true);
    }
  });

  it("refuses an unknown kind, and names of the prototype", () => {
    for (const kind of ["swiglu", "constructor", undefined]) {
      expect(() => opDefinition("activation").shapes([["T", 4]], [], { kind })).toThrow(
        expect.objectContaining({ code: "op_invalid" }),
      );
    }
  });

  it("computes erf in float64", () => {
    expect(erf(0.5)).toBeCloseTo(0.5204998778130465, 15);
    expect(erf(-2)).toBeCloseTo(-0.9953222650189527, 15);
    expect(erf(5.5)).toBeCloseTo(0.9999999999999927, 15);
    expect(erf(40)).toBe(1);
  });
});

describe("add, multiply, scale", () => {
  const a = tensor([2, 2], [1, 2, 3, 4]);
  const b = tensor([2, 2], [10, -1, 0.5, 0]);
  it("work element by element", () => {
    expect(runOp("add", { inputs: [a, b] })).toEqual([[11, 1, 3.5, 4]]);
    expect(runOp("multiply", { inputs: [a, b] })).toEqual([[10, -2, 1.5, 0]]);
    expect(runOp("scale", { inputs: [a], attributes: { factor: 0.5 } })).toEqual([[0.5, 1, 1.5, 2]]);
    expect(runOp("scale", { inputs: [a], weights: [tensor([1], [-2])] })).toEqual([[-2, -4, -6, -8]]);
    expect(runOp("scale", { inputs: [a], weights: [tensor([2], [-2, 3])] })).toEqual([[-2, 6, -6, 12]]);
    expect(runOp("scale_rows", { inputs: [a, tensor([2, 1], [2, -1])] })).toEqual([[2, 4, -3, -4]]);
    expect(runOp("clamp", { inputs: [b], attributes: { least: -0.5, greatest: 2 } })).toEqual([[2, -0.5, 0.5, 0]]);
  });

  it("refuse other shapes", () => {
    for (const op of ["add", "multiply"]) {
      expect(() =>
        opDefinition(op).shapes(
          [
            ["T", 2],
            ["T", 3],
          ],
          [],
          {},
        ),
      ).toThrow(`[${op}] shape of b`);
      expect(() =>
        opDefinition(op).shapes(
          [
            ["T", 2],
            ["R", 2],
          ],
          [],
          {},
        ),
      ).toThrow(`[${op}] shape of b`);
    }
    expect(() => opDefinition("scale").shapes([["T", 2]], [], {})).toThrow("[scale] attribute `factor`");
    expect(() => opDefinition("scale").shapes([["T", 2]], [[3]], {})).toThrow("[scale] shape of weight");
    expect(() => opDefinition("scale").shapes([["T", 2]], [[1]], { factor: 2 })).toThrow("[scale] attribute `factor`");
    expect(() => opDefinition("clamp").shapes([["T", 2]], [], { least: 1, greatest: 0 })).toThrow("[clamp]");
  });
});

describe("columns", () => {
  it("takes some columns of every row, and no others than there are", () => {
    const x = tensor([2, 3], [1, 2, 3, 4, 5, 6]);
    expect(runOp("columns", { inputs: [x], attributes: { first: 1, count: 2 } })).toEqual([[2, 3, 5, 6]]);
    const { shapes } = opDefinition("columns");
    expect(() => shapes([["T", 3]], [], { first: 2, count: 2 })).toThrow("[columns] last column");
    expect(() => shapes([["T", 3]], [], { first: -1, count: 2 })).toThrow("[columns] attribute `first`");
  });
});

describe("registry", () => {
  it("holds each op under its name", () => {
    for (const [name, definition] of ops) expect(definition.name).toBe(name);
    expect(ops.size).toBeGreaterThan(13);
    expect(() => opDefinition("nope")).toThrow(expect.objectContaining({ code: "op_unknown" }));
  });
});
