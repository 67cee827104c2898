import { describe, expect, it } from "vitest";
import { type Rope, ropeAttributes } from "./rope.ts";

// from transformers.modeling_rope_utils with head_dim 16, theta 10000
const cases: [string, Rope, number[], number][] = [
  [
    "linear",
    { kind: "linear", theta: 10000, factor: 4 },
    [0.25, 0.07905694, 0.025, 0.0079056947, 0.0025, 0.00079056947, 0.00025, 7.9056947e-5],
    1,
  ],
  [
    "proportional",
    { kind: "proportional", theta: 10000, proportion: 0.6, factor: 2 },
    [0.5, 0.15811388, 0.050000001, 0.015811389, 0, 0, 0, 0],
    1,
  ],
  [
    "llama3",
    { kind: "llama3", theta: 10000, factor: 8, originalLength: 32, lowFrequencyFactor: 1, highFrequencyFactor: 4 },
    [1, 0.095839977, 0.0125, 0.0039528473, 0.00125, 0.00039528473, 0.000125, 3.9528473e-5],
    1,
  ],
  [
    "yarn",
    {
      kind: "yarn",
      theta: 10000,
      factor: 4,
      originalLength: 32,
      betaFast: 32,
      betaSlow: 1,
      truncate: true,
      attentionFactor: 1.138629436111989,
    },
    [1, 0.19764236, 0.025, 0.0079056947, 0.0025, 0.00079056947, 0.00025, 7.9056947e-5],
    1.138629436111989,
  ],
  [
    "yarn without truncation",
    {
      kind: "yarn",
      theta: 10000,
      factor: 16,
      originalLength: 64,
      betaFast: 16,
      betaSlow: 2,
      truncate: false,
      attentionFactor: 1.0453850485445595,
    },
    [1, 0.106555864, 0.0062500001, 0.0019764237, 0.000625, 0.00019764236, 6.25e-5, 1.9764237e-5],
    1.0453850485445595,
  ],
];

describe("ropeAttributes", () => {
  it.each(cases)("%s", (_, rope, want, scaling) => {
    const attributes = ropeAttributes(rope, 16);
    const got = attributes.frequencies as number[];
    expect(got).toHaveLength(want.length);
    got.forEach((frequency, i) => {
      expect(Math.abs(frequency - want[i]!)).toBeLessThanOrEqual(3e-7 * want[i]!);
    });
    expect(attributes.scaling).toBe(scaling);
    expect(attributes.rotaryDim).toBe(16);
  });

  it("has two sets of frequencies (longrope)", () => {
    const shortFactor = [1.0, 1.05, 1.1, 1.2, 1.3, 1.5, 1.7, 2.0];
    const longFactor = [1.0, 2.0, 4.5, 9.0, 11.0, 12.5, 20.0, 33.3];
    const rope: Rope = { kind: "longrope", theta: 10000, shortFactor, longFactor, originalLength: 32, attentionFactor: 1.25 };
    const attributes = ropeAttributes(rope, 16);
    // from transformers
    const short = [1, 0.30116931, 0.090909094, 0.026352312, 0.0076923077, 0.0021081853, 0.00058823527, 0.00015811389];
    const long = [1, 0.15811388, 0.022222223, 0.0035136419, 0.00090909092, 0.00025298222, 4.9999999e-5, 9.4963298e-6];
    const close = (got: unknown, want: number[]) =>
      want.every((frequency, i) => Math.abs((got as number[])[i]! / frequency - 1) < 3e-7);
    expect(close(attributes.frequencies, short)).toBe(true);
    expect(close(attributes.longFrequencies, long)).toBe(true);
    expect(attributes).toMatchObject({ longLength: 32, scaling: 1.25, rotaryDim: 16 });
  });

  it("turns the value behind a part of odd width", () => {
    const attributes = ropeAttributes({ kind: "default", theta: 10000, partialRotaryFactor: 0.25 }, 12);
    expect(attributes.rotaryDim).toBe(4);
    expect((attributes.frequencies as number[])[1]).toBeCloseTo(0.002154434332624078, 10);
  });

  it("turns a part of the head", () => {
    const attributes = ropeAttributes({ kind: "default", theta: 10000, partialRotaryFactor: 0.25 }, 32);
    expect(attributes.rotaryDim).toBe(8);
    expect(attributes.frequencies).toHaveLength(4);
  });
});
