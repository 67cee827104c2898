import { describe, expect, it } from "vitest";
import { isClose, runOp, tensor } from "../../test/helpers/run-op.ts";
import { opDefinition } from "./registry.ts";

describe("route", () => {
  const logits = tensor([2, 4], [1, 3, 3, -2, 0, 0.5, -1, 2]);
  const route = (attributes: object, correction?: number[]) =>
    runOp("route", {
      inputs: [logits],
      ...(correction && { weights: [tensor([4], correction)] }),
      attributes: { count: 2, score: "softmax", ...attributes },
    });

  it("takes the greatest, of equals the first, and weighs them by softmax", () => {
    const [chosen, shares] = route({});
    expect(chosen).toEqual([1, 2, 3, 1]);
    // torch.softmax
    expect(isClose(shares!, [0.466837, 0.466837, 0.7101, 0.158445], 1e-5)).toBe(true);
  });

  it("normalises before the factor", () => {
    const [, shares] = route({ normalize: true, factor: 2.5 });
    expect(isClose(shares!, [1.25, 1.25, 2.043936, 0.456064], 1e-5)).toBe(true);
  });

  it("multiplies each weight by what its expert has, after all", () => {
    const weights = [undefined, tensor([4], [7, -2, 0.5, 10])];
    const [chosen, shares] = runOp("route", {
      inputs: [logits],
      weights,
      attributes: { count: 2, score: "softmax", normalize: true },
    });
    expect(chosen).toEqual([1, 2, 3, 1]);
    expect(isClose(shares!, [-1, 0.25, 8.175744, -0.364851], 1e-5)).toBe(true);
    expect(() => opDefinition("route").shapes([["T", 4]], [undefined, [3]], { count: 2, score: "softmax" })).toThrow(
      "[route] shape of gains",
    );
  });

  it("weighs only those that were chosen", () => {
    const [chosen, shares] = route({ score: "chosen_softmax" });
    expect(chosen).toEqual([1, 2, 3, 1]);
    expect(isClose(shares!, [0.5, 0.5, 0.817574, 0.182426], 1e-5)).toBe(true);
  });

  it("weighs each of the chosen by its sigmoid, which has no say in the choice", () => {
    const [chosen, shares] = route({ score: "chosen_sigmoid" });
    expect(chosen).toEqual([1, 2, 3, 1]);
    // torch.sigmoid
    expect(isClose(shares!, [0.952574, 0.952574, 0.880797, 0.622459], 1e-5)).toBe(true);
    // both sigmoids are 1 in float32
    const far = runOp("route", { inputs: [tensor([1, 2], [30, 40])], attributes: { count: 1, score: "chosen_sigmoid" } });
    expect(far).toEqual([[1], [1]]);
  });

  it("chooses from the best groups with corrected scores, and weighs with the plain ones", () => {
    const [chosen, shares] = route({ score: "sigmoid", count: 1, groups: 2, topGroups: 1 }, [0, 0, 0, 5]);
    expect(chosen).toEqual([3, 3]);
    expect(isClose(shares!, [0.119203, 0.880797], 1e-5)).toBe(true);
    const [plain] = route({ score: "sigmoid", count: 2, groups: 2, topGroups: 1 });
    expect(plain).toEqual([1, 0, 3, 2]);
  });

  it("chooses from the groups with the best one, or with the best two", () => {
    const logits = tensor([1, 4], [2, -9, 1.5, 1.4]);
    const choose = (groupsByBest: boolean) => {
      const attributes = { score: "sigmoid", count: 2, groups: 2, topGroups: 1, groupsByBest };
      return runOp("route", { inputs: [logits], weights: [], attributes })[0];
    };
    expect(choose(true)).toEqual([0, 1]);
    expect(choose(false)).toEqual([2, 3]);
    expect(() =>
      opDefinition("route").shapes([["T", 4]], [], { count: 1, score: "softmax", groups: 4, groupsByBest: true }),
    ).not.toThrow();
  });

  it("refuses choices that cannot be made", () => {
    const { shapes } = opDefinition("route");
    const base = { count: 2, score: "softmax" };
    expect(shapes([["T", 4]], [], base)).toEqual([
      ["T", 2],
      ["T", 2],
    ]);
    expect(() => shapes([["T", 4]], [], { ...base, count: 5 })).toThrow("[route] attribute `count`");
    expect(() => shapes([["T", 4]], [], { ...base, score: "tanh" })).toThrow("[route] attribute `score`");
    expect(() => shapes([["T", 4]], [], { ...base, groups: 3 })).toThrow("[route] attribute `groups`");
    expect(() => shapes([["T", 4]], [], { ...base, groups: 4 })).toThrow("[route] experts of a group");
    expect(() => shapes([["T", 4]], [], { ...base, groups: 2, topGroups: 3 })).toThrow("[route] attribute `topGroups`");
    expect(() => shapes([["T", 4]], [[3]], base)).toThrow("[route] shape of correction");
  });
});

describe("experts", () => {
  // two experts of one inner value: gate and up rows, then down
  const gateUp = tensor([2, 2, 2], [1, 0, 0, 1, 2, 0, 0, -1]);
  const down = tensor([2, 2, 1], [1, 2, -1, 0.5]);
  const x = tensor([2, 2], [1, 3, -2, 10]);
  const chosen = tensor([2, 2], [1, 0, 0, 1]);
  const shares = tensor([2, 2], [0.5, 2, 1, 0]);
  const inputs = [x, chosen, shares];

  it("sums gated MLPs by their shares", () => {
    const got = runOp("experts", { inputs, weights: [gateUp, undefined, down, undefined], attributes: { kind: "relu" } });
    // token 0: expert 0 gives 3 · [1, 2] twice, expert 1 gives −6 · [−1, 0.5] half; token 1: gates are closed
    expect(got).toEqual([[9, 10.5, 0, 0]]);
  });

  it("adds biases, holds gate and up within a limit, and moves up", () => {
    const weights = [gateUp, tensor([2, 2], [3, 0, 5, 1]), down, tensor([2, 2], [1, 0, 0, 1])];
    const attributes = { kind: "relu", limit: 2.5, upOffset: 1 };
    // token 0: expert 0: 2.5 · 3.5 · [1, 2] + [1, 0]; expert 1: 2.5 · −1 · [−1, 0.5] + [0, 1]
    // token 1: expert 0: 1 · 3.5 · [1, 2] + [1, 0]; expert 1 has no share
    const got = runOp("experts", { inputs, weights, attributes });
    expect(isClose(got[0]!, [20.75, 34.875, 4.5, 7])).toBe(true);
  });

  it("multiplies what experts read by the shares, when told so", () => {
    const weights = [gateUp, undefined, down, undefined];
    const [got] = runOp("experts", { inputs, weights, attributes: { kind: "relu", scaleInput: true } });
    // token 0: expert 0 reads [2, 6]: 12 · [1, 2]; expert 1 reads [0.5, 1.5]: −1.5 · [−1, 0.5]; token 1: gates are closed
    expect(got).toEqual([13.5, 23.25, 0, 0]);
  });

  it("reads gate and up in turn", () => {
    const turned = tensor([2, 4, 2], [1, 0, 0, 1, 0, 1, 1, 0, 1, 0, 0, 1, 0, 1, 1, 0]);
    const unrounded = tensor([2, 2, 2], [1, 0, 0, 1, 1, 0, 0, 1]);
    const weights = [turned, undefined, unrounded, undefined];
    const options = { inputs: [x, tensor([2, 1], [0, 1]), tensor([2, 1], [1, 1])], weights };
    const [got] = runOp("experts", { ...options, attributes: { kind: "linear", interleaved: true } });
    // gates x0 and x1, ups x1 and x0
    expect(got).toEqual([3, 3, -20, -20]);
  });

  it("refuses matrices that do not fit", () => {
    const { shapes } = opDefinition("experts");
    const rows = (width: number) => ["T" as const, width];
    const given = [rows(2), rows(2), rows(2)];
    expect(() => shapes(given, [[2, 3, 2], undefined, [2, 2, 1], undefined], { kind: "silu" })).toThrow("[experts]");
    expect(() => shapes(given, [[2, 2, 2], undefined, [2, 1, 2], undefined], { kind: "silu" })).toThrow("shape of down");
    expect(() => shapes(given, [[2, 2, 2], [4], [2, 2, 1], undefined], { kind: "silu" })).toThrow("bias of gate and up");
    expect(() => shapes(given, [[1, 2, 2], undefined, [1, 2, 1], undefined], { kind: "silu" })).toThrow("number of chosen");
  });
});

describe("head_linear and join_heads", () => {
  it("multiply each head by its own matrix", () => {
    const weights = [tensor([2, 1, 2], [1, 2, -1, 0.5])];
    expect(runOp("head_linear", { inputs: [tensor([2, 4], [1, 2, 3, 4, 5, 6, 7, 8])], weights })).toEqual([[5, -1, 17, -3]]);
    expect(() => opDefinition("head_linear").shapes([["T", 5]], [[2, 1, 2]], {})).toThrow("[head_linear] width of x");
  });
  it("put two parts of every head side by side", () => {
    const inputs = [tensor([1, 4], [1, 2, 3, 4]), tensor([1, 2], [8, 9])];
    expect(runOp("join_heads", { inputs, attributes: { heads: 2 } })).toEqual([[1, 2, 8, 3, 4, 9]]);
    expect(() =>
      opDefinition("join_heads").shapes(
        [
          ["T", 4],
          ["T", 3],
        ],
        [],
        { heads: 2 },
      ),
    ).toThrow("[join_heads] width");
  });
});
