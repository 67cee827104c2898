import { describe, expect, it } from "vitest";
import { exchanged, originRegion, originTensors } from "./origin.ts";
import type { WeightOrigin } from "./program.ts";

const region = (origin: Omit<WeightOrigin, "tensor">, stored: number[]) => originRegion({ tensor: "t", ...origin }, stored);
const whole = { before: 0, storedColumns: 5, rowStart: 0, rowEnd: 6, columnStart: 0, columnEnd: 5 };

describe("the region of an origin", () => {
  it.each<[string, Omit<WeightOrigin, "tensor">, number[], object]>([
    ["is the whole matrix", {}, [6, 5], { ...whole, shape: [6, 5] }],
    ["is a vector in one row", {}, [5], { ...whole, rowEnd: 1, shape: [5] }],
    [
      "is part of a vector",
      { slice: { axis: 0, start: 1, end: 3 } },
      [5],
      { ...whole, rowEnd: 1, columnStart: 1, columnEnd: 3, shape: [2] },
    ],
    ["has rows", { slice: { axis: 0, start: 2, end: 4 } }, [6, 5], { ...whole, rowStart: 2, rowEnd: 4, shape: [2, 5] }],
    [
      "has columns",
      { slice: { axis: 1, start: 1, end: 4 } },
      [6, 5],
      { ...whole, columnStart: 1, columnEnd: 4, shape: [6, 3] },
    ],
    [
      "is turned after the slice",
      { slice: { axis: 1, start: 1, end: 4 }, transpose: true },
      [6, 5],
      { ...whole, columnStart: 1, columnEnd: 4, shape: [3, 6] },
    ],
    ["is an entry of a stack", { index: 2 }, [3, 6, 5], { ...whole, before: 60, shape: [6, 5] }],
    [
      "has the rows of three axes",
      { slice: { axis: 0, start: 1, end: 3 } },
      [3, 2, 5],
      { ...whole, rowStart: 2, rowEnd: 6, shape: [2, 2, 5] },
    ],
  ])("%s", (_, origin, stored, expected) => {
    expect(region(origin, stored)).toEqual(expected);
  });

  it.each<[string, Omit<WeightOrigin, "tensor">, number[]]>([
    ["an entry behind the last", { index: 3 }, [3, 6, 5]],
    ["an entry of a scalar", { index: 0 }, []],
    ["rows behind the last", { slice: { axis: 0, start: 4, end: 7 } }, [6, 5]],
    ["no rows", { slice: { axis: 0, start: 4, end: 4 } }, [6, 5]],
    ["an axis that is not there", { slice: { axis: 2, start: 0, end: 1 } }, [6, 5]],
    ["an axis in the middle", { slice: { axis: 1, start: 0, end: 1 } }, [3, 6, 5]],
  ])("is undefined for %s", (_, origin, stored) => {
    expect(region(origin, stored)).toBeUndefined();
  });
});

it("an origin of a matrix stored with rows and columns exchanged gives the same part", () => {
  const cases: Omit<WeightOrigin, "tensor">[] = [
    {},
    { transpose: true },
    { slice: { axis: 0, start: 1, end: 3 } },
    { slice: { axis: 1, start: 1, end: 3 }, transpose: true },
  ];
  for (const origin of cases) {
    const other = exchanged({ tensor: "t", ...origin });
    expect(originRegion(other, [5, 6])!.shape).toEqual(region(origin, [6, 5])!.shape);
    expect(exchanged(other)).toEqual({ tensor: "t", ...origin });
  }
});

it("an origin reads the tensors of its storage, or its own", () => {
  expect(originTensors({ tensor: "t" })).toEqual(["t"]);
  const tensors = { scales: "s", codes: "c" };
  expect(originTensors({ tensor: "t", storage: { kind: "mxfp4", shape: [1, 32], group: 32, tensors } })).toEqual(["c", "s"]);
});
