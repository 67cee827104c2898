import { describe, expect, it } from "vitest";
import { isClose, runOp, tensor } from "../../test/helpers/run-op.ts";
import { opDefinition } from "./registry.ts";

const x = [1, 2, 4, -1, 0, 3];
const epsilon = 1e-5;

// from torch.nn.functional.layer_norm of each half in float32
const halves = [-1.0690414, -0.26726028, 1.3363018, -0.98057896, -0.39223155, 1.3728106];

describe("layer_norm of groups", () => {
  const run = (weights: (ReturnType<typeof tensor> | undefined)[], unitOffset = false) =>
    runOp("layer_norm", { inputs: [tensor([1, 6], x)], weights, attributes: { epsilon, groupSize: 3, unitOffset } })[0]!;

  it("normalises each group", () => {
    expect(isClose(run([undefined, undefined]), halves)).toBe(true);
  });
  it("has one weight and bias for all groups", () => {
    const want = halves.map((value, i) => value * [2, 3, 4][i % 3]! + [0.5, 0, -1][i % 3]!);
    expect(isClose(run([tensor([3], [2, 3, 4]), tensor([3], [0.5, 0, -1])]), want)).toBe(true);
  });
  it("has a weight that counts from 1", () => {
    const parts = [tensor([3], [1, 2, 3]), tensor([3], [0.5, 0, -1])];
    expect(run(parts, true)).toEqual(run([tensor([3], [2, 3, 4]), parts[1]]));
    expect(run([undefined, undefined], true)).toEqual(run([undefined, undefined]));
  });
  it("has a weight and bias for each group", () => {
    const [weight, bias] = [
      [2, 3, 4, 5, 6, 7],
      [0, 1, 2, 3, 4, 5],
    ];
    const want = halves.map((value, i) => value * weight![i]! + bias![i]!);
    expect(isClose(run([tensor([2, 3], weight!), tensor([2, 3], bias!)]), want)).toBe(true);
  });
  it("refuses groups and weights that do not fit", () => {
    const { shapes } = opDefinition("layer_norm");
    expect(shapes([["T", 6]], [[2, 3], undefined], { epsilon, groupSize: 3 })).toEqual([["T", 6]]);
    expect(() => shapes([["T", 6]], [[3], undefined], { epsilon, groupSize: 4 })).toThrow("groupSize");
    expect(() => shapes([["T", 6]], [[6], undefined], { epsilon, groupSize: 3 })).toThrow("shape of weight");
    expect(() => shapes([["T", 6]], [[3, 2], undefined], { epsilon, groupSize: 3 })).toThrow("shape of weight");
  });
});
