import { describe, expect, test } from "vitest";
import { sampleGroup } from "./chain.ts";
import type { SamplingGroup } from "./group.ts";
import { drawPlace, exponentials, type RandomStream } from "./random-stream.ts";
import { torchStream } from "./rng.ts";

const variates = (stream: RandomStream, offset: number, ...indices: number[]) => {
  const out = new Float32Array(indices.length);
  exponentials(stream, offset, Int32Array.from(indices), out);
  return Array.from(out);
};
const streams: RandomStream[] = [torchStream(3), { kind: "counter", seed: 3, position: 7 }];

describe.each(streams)("a $kind stream", (stream) => {
  test("gives the same variates as its structured copy, which is all that crosses to a backend", () => {
    expect(variates(structuredClone(stream), 10, 0, 5, 999)).toEqual(variates(stream, 10, 0, 5, 999));
  });

  test("addresses variates by place: two words each", () => {
    expect(variates(stream, 20, 0, 1, 2)).toEqual(variates(stream, 0, 10, 11, 12));
    expect(variates(stream, 0, 12, 3)).toEqual([variates(stream, 24, 0)[0], variates(stream, 6, 0)[0]]);
  });

  test("draws exponentially distributed numbers", () => {
    const many = variates(stream, 0, ...Array(20_000).keys());
    const mean = many.reduce((sum, value) => sum + value, 0) / many.length;
    expect(mean).toBeGreaterThan(0.97);
    expect(mean).toBeLessThan(1.03);
    // P(X > 1) = 1/e, within four standard deviations
    const above = many.filter((value) => value > 1).length / many.length;
    expect(Math.abs(above - Math.exp(-1))).toBeLessThan(4 * Math.sqrt((0.3679 * 0.6321) / many.length));
    expect(Math.min(...many)).toBeGreaterThan(0);
  });

  test("gives a copied group the same draws", () => {
    const group: SamplingGroup = {
      rows: [0, 1],
      steps: [[{ kind: "warp", how: "topK", value: 3, minTokensToKeep: 1 }], [{ kind: "only", tokens: Int32Array.of(2) }]],
      pick: "draw",
      count: 3,
      stream,
      offset: 6,
      logprobs: 2,
    };
    const rows = () => [Float32Array.of(1, 2, 3, 4), Float32Array.of(4, 3, 2, 1)];
    expect(sampleGroup(rows(), structuredClone(group))).toEqual(sampleGroup(rows(), group));
  });
});

test("a torch stream begins at its place", () => {
  const stream = torchStream(11);
  expect(variates({ ...stream, place: 6 } as RandomStream, 4, 0, 1)).toEqual(variates(stream, 10, 0, 1));
});

test("what a counter draws depends on seed, position and index alone", () => {
  const at = (seed: number, position: number) => variates({ kind: "counter", seed, position }, 0, 0, 1, 2, 3);
  expect(at(1, 5)).toEqual(at(1, 5));
  const all = [at(1, 5), at(1, 6), at(2, 5), at(1 + 2 ** 32, 5), at(1, 5 + 2 ** 32)].flat();
  expect(new Set(all).size).toBe(all.length);
});

describe("drawPlace", () => {
  const place = { step: 3, row: 2, batchRows: 4, vocabularySize: 10 };

  test("goes on along one stream of torch, row by row and step by step", () => {
    const stream = torchStream(1);
    expect(drawPlace(stream, place)).toEqual({ stream, offset: 2 * 10 * (3 * 4 + 2) });
  });

  test("moves the position of a counter, and does not depend on how many rows there are", () => {
    const stream: RandomStream = { kind: "counter", seed: 8, position: 100 };
    const expected = { stream: { kind: "counter", seed: 8, position: 103 }, offset: 40 };
    expect(drawPlace(stream, place)).toEqual(expected);
    expect(drawPlace(stream, { ...place, batchRows: 9 })).toEqual(expected);
  });
});
