import { describe, expect, it } from "vitest";
import { commonGroup, fourBitCode, nestedColumns, packPairs, quantiseBlocks, unpackPairs } from "./blocks.ts";
import { dynamicMap, nestStatistics, unnestStatistics } from "./statistics.ts";

describe("4-bit codes", () => {
  it.each([
    [-1, 0],
    [-0.8480964004993439, 0], // on a border: the lower code
    [-0.848, 1],
    [0, 7],
    [0.0397, 7],
    [0.0399, 8],
    [1, 15],
    [Number.NaN, 0],
  ])("of NF4 are the nearest of 16 values: %d", (value, code) => {
    expect(fourBitCode(Math.fround(value), "nf4")).toBe(code);
  });
  it.each([
    [0, 0],
    [0.0026, 0],
    [0.0027, 1],
    [0.25, 7],
    [-0.25, 15],
    [0.9, 3],
    [-1, 11],
    [-0.0001, 8], // minus zero
  ])("of FP4 have a sign, and an order of their own: %d", (value, code) => {
    expect(fourBitCode(Math.fround(value), "fp4")).toBe(code);
  });
  it("are made in blocks of 64 over the flattened values, the last of which may be short", () => {
    const values = Float32Array.from({ length: 100 }, (_, i) => (i < 64 ? i / 63 : -(i - 64)));
    const { codes, absmax } = quantiseBlocks(values, "nf4");
    expect([...absmax]).toEqual([1, 35]);
    expect([codes[0], codes[63], codes[64], codes[99]]).toEqual([7, 15, 7, 0]);
  });
  it("stand two in a byte, the first in the high half", () => {
    expect([...packPairs(Uint8Array.of(1, 2, 15))]).toEqual([0x12, 0xf0]);
    expect([...unpackPairs(Uint8Array.of(0x12, 0xf0), 3)]).toEqual([1, 2, 15]);
  });
  it.each([
    [128, 64],
    [112, 16],
    [45, 1],
    [40, 8],
  ])("of rows of %i columns lie in blocks by groups of %i", (columns, group) => {
    expect(commonGroup(columns, 64)).toBe(group);
  });
});

describe("double quantisation", () => {
  it("has a map of 256 values in ascending order", () => {
    expect(dynamicMap).toHaveLength(256);
    expect(dynamicMap.every((value, i) => i === 0 || value > dynamicMap[i - 1]!)).toBe(true);
    // as bitsandbytes' create_dynamic_map() gives them: the last bits come from its float32 arithmetic
    expect([0, 18, 20, 255].map((code) => dynamicMap[code])).toEqual(
      [-0.992968738079071, -0.7398437261581421, -0.7117187976837158, 1].map(Math.fround),
    );
    expect(dynamicMap.indexOf(0)).toBe(127);
  });
  it("takes the mean off, and scales by the maximum of 256", () => {
    const absmax = Float32Array.from({ length: 300 }, (_, i) => 1 + (i % 7) / 100);
    const nested = nestStatistics(absmax);
    expect(nested.offset).toBeCloseTo(1.0297, 3);
    expect(nested.absmax).toHaveLength(2);
    const back = unnestStatistics(nested);
    expect(Math.max(...absmax.map((value, i) => Math.abs(value - back[i]!)))).toBeLessThan(0.0005);
  });
});

describe("columns that share a nested statistic", () => {
  it.each([
    [2048, 2048],
    [14336, 2048],
    [11008, 256],
    [128, undefined], // two blocks a row
    [96, undefined], // blocks run on from row to row
  ])("of %i are %s", (columns, expected) => {
    expect(nestedColumns(columns, 64, 256)).toBe(expected);
  });
});
