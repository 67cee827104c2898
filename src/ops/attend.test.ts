import { describe, expect, it } from "vitest";
import { batchOf, isClose, memoryPart, runOp, tensor } from "../../test/helpers/run-op.ts";
import type { Attributes } from "./program.ts";
import { opDefinition } from "./registry.ts";

const base = { heads: 2, keyValueHeads: 1, headDim: 2, valueHeadDim: 2, scale: 0.7 };
const q = [1, 0, -1, 2, 0.5, 0.5, 1, -1, 2, 1, 0, 1];
const k = [1, 1, 0, -1, 2, 0.5];
const v = [1, 2, 3, -4, 0.5, 0];

// from torch in float32
const plain = [1, 2, 1, 2, 1.51845, 0.444649, 2.336375, -2.009127, 0.666398, 0.448329, 1.072183, 0.519459];
const windowed = [1, 2, 1, 2, 1.51845, 0.444649, 2.336375, -2.009127, 0.552091, -0.083345, 1.148063, -1.0369];
const capped = [1, 2, 1, 2, 1.539049, 0.382853, 2.315486, -1.946459, 0.871466, 0.636939, 1.087105, 0.457419];

const sloped = [1, 2, 1, 2, 1.731729, -0.195186, 2.44223, -2.326691, 0.584645, 0.180304, 1.021124, 0.29593];
const rising = [1, 2, 1, 2, 1.618965, 0.143104, 2.100828, -1.302484, 0.620494, 0.292857, 1.120258, 0.99287];
const risingLater = [1, 2, 1, 2, 1.518449, 0.444653, 2.336381, -2.009143, 0.551546, 0.138882, 1.36586, 0.786104];
const sunk = [
  0.598688, 1.197375, 0.937027, 1.874053, 1.014629, 0.297115, 2.235967, -1.922782, 0.639424, 0.430182, 1.036485, 0.502163,
];

// the third token is alone in its chunk: each head gives its value
const chunked = [...plain.slice(0, 8), 0.5, 0, 0.5, 0];

function attendInChunks(chunks: readonly number[], attributes: Attributes, sinks?: number[], start = 0): number[] {
  const state = [memoryPart(2), memoryPart(2)];
  const result: number[] = [];
  let first = 0;
  for (const size of chunks) {
    const batch = batchOf([{ first: start + first, tokens: Array(size).fill(0) }]);
    const rows = (values: number[], width: number) =>
      tensor([size, width], values.slice(first * width, (first + size) * width));
    runOp("store", { inputs: [rows(k, 2), rows(v, 2)], state, batch });
    const weights = sinks ? [tensor([2], sinks)] : [];
    const options = { inputs: [rows(q, 4)], weights, state, attributes: { ...base, ...attributes }, batch };
    result.push(...runOp("attend", options)[0]!);
    first += size;
  }
  return result;
}

describe("store and attend", () => {
  it.each<[string, Attributes, number[], number[]?]>([
    ["causally", {}, plain],
    ["in a window", { window: 2 }, windowed],
    ["in chunks of two", { chunk: 2 }, chunked],
    ["in chunks longer than the sequence", { chunk: 4 }, plain],
    ["with a soft cap", { softcap: 1.5 }, capped],
    ["with slopes", { slopes: [0.5, 0.25] }, sloped],
    ["with sinks", {}, sunk, [0.3, -2]],
  ])("attend %s, in any chunks", (_, attributes, want, sinks) => {
    for (const chunks of [[3], [1, 1, 1], [2, 1]]) expect(isClose(attendInChunks(chunks, attributes, sinks), want)).toBe(true);
  });

  it("rounds slopes and positions of keys to bfloat16", () => {
    const attributes = { slopes: [0.353515625, -0.7109375], roundedSlopes: true };
    expect(isClose(attendInChunks([2, 1], attributes), rising)).toBe(true);
    // scores of hundreds, in float32
    const later = attendInChunks([1, 2], { ...attributes, chunk: 1027 }, undefined, 1027);
    expect(isClose(later, risingLater, 1e-4)).toBe(true);
  });

  it("reads nothing outside the window", () => {
    const state = [memoryPart(2), memoryPart(2)];
    runOp("store", { inputs: [tensor([2, 2], k), tensor([2, 2], v)], state, batch: batchOf([{ tokens: [0, 0] }]) });
    for (const part of state) part.rows.delete("0:0");
    const batch = batchOf([{ first: 2, tokens: [0] }]);
    runOp("store", { inputs: [tensor([1, 2], k.slice(4)), tensor([1, 2], v.slice(4))], state, batch });
    const [got] = runOp("attend", { inputs: [tensor([1, 4], q.slice(8))], state, attributes: { ...base, window: 2 }, batch });
    expect(isClose(got!, windowed.slice(8))).toBe(true);
  });

  it("keeps sequences apart", () => {
    const state = [memoryPart(2), memoryPart(2)];
    const batch = batchOf([{ tokens: [0] }, { tokens: [0, 0] }]);
    runOp("store", {
      inputs: [tensor([3, 2], [...k.slice(4), ...k.slice(0, 4)]), tensor([3, 2], [...v.slice(4), ...v.slice(0, 4)])],
      state,
      batch,
    });
    const [got] = runOp("attend", {
      inputs: [tensor([3, 4], [...q.slice(8), ...q.slice(0, 8)])],
      state,
      attributes: base,
      batch,
    });
    expect(isClose(got!, [0.5, 0, 0.5, 0, ...plain.slice(0, 8)])).toBe(true);
  });

  it("survives scores that are far apart", () => {
    const state = [memoryPart(1), memoryPart(1)];
    const batch = batchOf([{ tokens: [0, 0] }]);
    runOp("store", { inputs: [tensor([2, 1], [1e4, -1e4]), tensor([2, 1], [3, 5])], state, batch });
    const attributes = { heads: 1, keyValueHeads: 1, headDim: 1, valueHeadDim: 1, scale: 1 };
    expect(runOp("attend", { inputs: [tensor([2, 1], [100, -100])], state, attributes, batch })).toEqual([[3, 5]]);
  });

  it("refuses heads that do not divide and widths that do not fit", () => {
    const { shapes } = opDefinition("attend");
    expect(shapes([["T", 4]], [], { ...base, valueHeadDim: 3 })).toEqual([["T", 6]]);
    expect(() => shapes([["T", 4]], [], { ...base, keyValueHeads: 3 })).toThrow("[attend] attribute `heads`");
    expect(() => shapes([["T", 5]], [], base)).toThrow("[attend] width of q");
    expect(() => shapes([["T", 4]], [], { ...base, window: 0 })).toThrow("window");
    expect(() => shapes([["T", 4]], [], { ...base, slopes: [1] })).toThrow("[attend] number of slopes");
    expect(() => shapes([["T", 4]], [], { ...base, roundedSlopes: true })).toThrow("[attend] attribute `slopes`");
    expect(() => shapes([["T", 4]], [[3]], base)).toThrow("[attend] shape of sinks");
  });

  it("refuses ways of rounding that do not go together", () => {
    const { shapes } = opDefinition("attend");
    const shapesOf = (more: Attributes, weights: (number[] | undefined)[] = []) =>
      shapes([["T", 4]], weights, { ...base, ...more });
    const slopes = [0.5, 0.25];
    for (const name of ["unroundedScores", "fusedScores"]) {
      expect(shapesOf({ [name]: true, slopes })).toEqual([["T", 4]]);
      expect(() => shapesOf({ [name]: true, softcap: 3 })).toThrow("[attend] attribute `softcap`");
      expect(() => shapesOf({ [name]: true, buckets: [0] }, [undefined, [1, 2]])).toThrow("[attend] biases");
    }
    expect(shapesOf({ scaleQuery: true, softcap: 3, buckets: [0] }, [undefined, [1, 2]])).toEqual([["T", 4]]);
    expect(shapesOf({ roundedSlopes: true, slopes, softcap: 3 })).toEqual([["T", 4]]);
    expect(() => shapesOf({ unroundedScores: true, fusedScores: true })).toThrow("absent with unroundedScores");
    expect(() => shapesOf({ scaleQuery: true, roundedSlopes: true, slopes })).toThrow("absent with scaleQuery");
  });
});
