import { describe, expect, it } from "vitest";
import { batchOf, isClose, runOp, tensor } from "../../test/helpers/run-op.ts";
import { opDefinition } from "./registry.ts";

describe("weighted_sum", () => {
  const weights = tensor([2, 4], [9, 1, -2, 9, 9, 0.5, 0, 9]);
  const [a, b] = [tensor([2, 2], [1, 2, 3, 4]), tensor([2, 2], [10, 20, 30, 40])];
  it("takes the weights of each row, from `first` on", () => {
    expect(runOp("weighted_sum", { inputs: [weights, a, b], attributes: { first: 1 } })).toEqual([[-19, -38, 1.5, 2]]);
    expect(runOp("weighted_sum", { inputs: [weights, a], attributes: { first: 2, offset: 1 } })).toEqual([[-1, -2, 3, 4]]);
  });
  it("refuses weights and values that do not fit", () => {
    const { shapes } = opDefinition("weighted_sum");
    const rows = (width: number) => ["T" as const, width];
    expect(() => shapes([rows(4)], [], { first: 0 })).toThrow("[weighted_sum] number of inputs");
    expect(() => shapes([rows(2), rows(3), rows(3)], [], { first: 1 })).toThrow("[weighted_sum] last weight");
    expect(() => shapes([rows(2), rows(3), rows(4)], [], { first: 0 })).toThrow("[weighted_sum] width of x");
    expect(() => shapes([rows(2), ["R", 3]], [], { first: 0 })).toThrow("[weighted_sum] rows of x");
    expect(() => shapes([rows(2), rows(3)], [], { first: 0.5 })).toThrow("[weighted_sum] attribute `first`");
  });
});

describe("match_magnitude", () => {
  it("gives each row the size of another's, and small rows no more than epsilon allows", () => {
    const x = tensor([3, 2], [3, 4, 1e-4, 0, 0, 0]);
    const like = tensor([3, 2], [1, -7, 2, 2, 5, 5]);
    const [got] = runOp("match_magnitude", { inputs: [x, like], attributes: { epsilon: 1e-5 } });
    expect(isClose(got!, [3 * Math.SQRT2, 4 * Math.SQRT2, 2e-4 / Math.sqrt(1e-5), 0, 0, 0], 1e-6)).toBe(true);
    const { shapes } = opDefinition("match_magnitude");
    expect(() =>
      shapes(
        [
          ["T", 2],
          ["T", 3],
        ],
        [],
        { epsilon: 1 },
      ),
    ).toThrow("[match_magnitude] shape of like");
  });
});

describe("gaussian_cut", () => {
  it("keeps what lies above the mean by so many deviations", () => {
    // means 3 and −1, deviations √2 and 0
    const x = tensor([2, 5], [1, 2, 3, 4, 5, -1, -1, -1, -1, -1]);
    const [got] = runOp("gaussian_cut", { inputs: [x], attributes: { deviations: 0.5 } });
    const cut = 3 + Math.SQRT1_2;
    expect(isClose(got!, [0, 0, 0, 4 - cut, 5 - cut, 0, 0, 0, 0, 0], 1e-6)).toBe(true);
    expect(() => opDefinition("gaussian_cut").shapes([["T", 5]], [], {})).toThrow("[gaussian_cut] attribute `deviations`");
  });
});

describe("embed", () => {
  const weights = [tensor([2, 2], [1, 2, 3, 4])];
  const batch = (tokens: number[]) => batchOf([{ tokens }]);
  it("reads the row `otherwise` for tokens beyond the table", () => {
    const attributes = { scale: 2, otherwise: 0 };
    expect(runOp("embed", { weights, attributes, batch: batch([1, 2, 9]) })).toEqual([[6, 8, 2, 4, 2, 4]]);
    expect(() => runOp("embed", { weights, batch: batch([1, 2]) })).toThrow("[embed] token id");
    expect(() => opDefinition("embed").shapes([], [[2, 2]], { otherwise: 2 })).toThrow("[embed] attribute `otherwise`");
  });
});
