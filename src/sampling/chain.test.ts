import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { applySteps, sampleGroup } from "./chain.ts";
import { torchStream } from "./rng.ts";
import type { SamplingStep } from "./step.ts";

type How = Extract<SamplingStep, { kind: "warp" }>["how"];

interface Golden {
  cases: {
    row: (number | null)[];
    results: { how: How; value: number; keep: number; kept?: number[]; scores?: (number | null)[] }[];
    draws: number[];
  }[];
}

const golden = JSON.parse(readFileSync(new URL("../../test/fixtures/sampling/golden.json", import.meta.url), "utf8")) as Golden;
const toRow = (values: (number | null)[]) => Float32Array.from(values, (value) => value ?? -Infinity);
const run = (scores: number[], ...steps: SamplingStep[]) => {
  const row = Float32Array.from(scores);
  applySteps(row, steps, { vocabularySize: row.length });
  return Array.from(row);
};

describe.each(golden.cases.map((entry, index) => ({ index, ...entry })))(
  "row $index as in transformers",
  ({ row, results, draws }) => {
    test.each(results)("$how $value, at least $keep", ({ how, value, keep, kept, scores }) => {
      const actual = toRow(row);
      applySteps(actual, [{ kind: "warp", how, value, minTokensToKeep: keep }], { vocabularySize: actual.length });
      if (scores) expect(actual).toEqual(toRow(scores));
      else expect(Array.from(actual.keys()).filter((i) => actual[i] !== -Infinity)).toEqual(kept);
      if (kept) for (const i of kept) expect(actual[i]).toBe(Math.fround(row[i]!));
    });

    test("draws the tokens that torch draws", () => {
      const stream = torchStream(5);
      const tokens = draws.map((_, step) => {
        const offset = 2 * row.length * step;
        return sampleGroup([toRow(row)], { rows: [0], steps: [[]], pick: "draw", count: 1, stream, offset }).tokens[0];
      });
      expect(tokens).toEqual(draws);
    });
  },
);

describe("steps", () => {
  const edit = (how: "add" | "set" | "scale" | "lift" | "grow", token: number, value: number): SamplingStep => ({
    kind: "edit",
    how,
    tokens: Int32Array.of(token),
    values: Float32Array.of(value),
  });

  test("edit changes single tokens", () => {
    expect(run([1, -2, 3], edit("add", 0, 0.5))).toEqual([1.5, -2, 3]);
    expect(run([1, -2, 3], edit("set", 1, -Infinity))).toEqual([1, -Infinity, 3]);
    expect(run([1, -2, 3], edit("scale", 2, 2))).toEqual([1, -2, 6]);
    expect(run([1, -2, 3], edit("lift", 0, 2), edit("lift", 1, 2))).toEqual([0.5, -4, 3]);
  });

  test("edit grows scores by a share of their size, and leaves banned tokens banned", () => {
    expect(run([1, -2, -Infinity], edit("grow", 0, 0.5), edit("grow", 1, 0.5), edit("grow", 2, 0.5))).toEqual([
      1.5,
      -1,
      -Infinity,
    ]);
  });

  test("only leaves some tokens, at 0", () => {
    expect(run([1, 2, 3], { kind: "only", tokens: Int32Array.of(1) })).toEqual([-Infinity, 0, -Infinity]);
    expect(run([1, 2, 3], { kind: "only", tokens: Int32Array.of(0, 2) })).toEqual([0, -Infinity, 0]);
  });

  test("allow leaves some tokens as they are; with force, at 0 where none of them was possible", () => {
    const allow = (force: boolean): SamplingStep => ({ kind: "allow", tokens: Int32Array.of(0, 2), force });
    expect(run([1, 2, 3], allow(true))).toEqual([1, -Infinity, 3]);
    expect(run([-Infinity, 2, -Infinity], allow(true))).toEqual([0, -Infinity, 0]);
    expect(run([-Infinity, 2, -Infinity], allow(false))).toEqual([-Infinity, -Infinity, -Infinity]);
  });

  test("guide goes on from the log probabilities of the negative prompt", () => {
    const row = Float32Array.of(1, 2, 3);
    const guide = Float32Array.of(0, 0, 0);
    applySteps(row, [{ kind: "normalise" }, { kind: "guide", scale: 2 }], { vocabularySize: 3, guide });
    const own = run([1, 2, 3], { kind: "normalise" });
    const uniform = -Math.log(3);
    row.forEach((score, token) => {
      expect(score).toBeCloseTo(uniform + 2 * (own[token]! - uniform), 5);
    });
    expect(Array.from(guide)).toEqual([0, 0, 0]);
  });

  test("mask works past one word", () => {
    const bits = Uint32Array.of(0, 0b10);
    const row = run(Array<number>(40).fill(1), { kind: "mask", bits });
    expect(row.map((value, i) => (value === 1 ? i : -1)).filter((i) => i >= 0)).toEqual([33]);
  });

  test("invalid removes NaN and infinity", () => {
    expect(run([Number.NaN, Infinity, -Infinity, 1], { kind: "invalid" })).toEqual([
      0, 3.4028234663852886e38, -3.4028234663852886e38, 1,
    ]);
  });

  test("normalise gives log probabilities", () => {
    const row = run([1, 2, 3], { kind: "normalise" });
    expect(row.reduce((sum, value) => sum + Math.exp(value), 0)).toBeCloseTo(1, 6);
    expect(row[2]! - row[0]!).toBeCloseTo(2, 6);
  });
});

describe("sampleGroup", () => {
  test("argmax takes the first of the greatest, and a NaN before all", () => {
    const pick = (...row: number[]) =>
      sampleGroup([Float32Array.from(row)], { rows: [0], steps: [[]], pick: "argmax", count: 1 }).tokens[0];
    expect(pick(1, 3, 3)).toBe(1);
    expect(pick(1, Number.NaN, 3)).toBe(1);
  });

  test("top ranks over rows, with biases, scores and log probabilities of the raw logits", () => {
    const rows = [Float32Array.of(0, 1, 2), Float32Array.of(5, 0, 0)];
    const steps: SamplingStep[] = [{ kind: "normalise" }];
    const picks = sampleGroup(rows, {
      rows: [4, 9],
      steps: [steps, steps],
      bias: [0, -0.2],
      pick: "top",
      count: 3,
      logprobs: 1,
    });
    expect(Array.from(picks.rows)).toEqual([1, 0, 0]);
    expect(Array.from(picks.tokens)).toEqual([0, 2, 1]);
    expect(picks.logprobs!.picked[0]).toBeCloseTo(-Math.log(1 + 2 * Math.exp(-5)), 5);
    expect(picks.scores[0]).toBeCloseTo(picks.logprobs!.picked[0]! - 0.2, 5);
  });

  test("draws without replacement as torch.multinomial(p, 6)", () => {
    const [{ row }] = golden.cases.slice(-3) as [Golden["cases"][number]];
    const picks = sampleGroup([toRow(row)], {
      rows: [0],
      steps: [[]],
      pick: "draw",
      count: 6,
      stream: torchStream(5),
      offset: 0,
    });
    expect(new Set(picks.tokens).size).toBe(6);
    const one = sampleGroup([toRow(row)], {
      rows: [0],
      steps: [[]],
      pick: "draw",
      count: 1,
      stream: torchStream(5),
      offset: 0,
    });
    expect(picks.tokens[0]).toBe(one.tokens[0]);
  });

  test("refuses to draw from NaN, and from nothing", () => {
    const draw =
      (...row: number[]) =>
      () =>
        sampleGroup([Float32Array.from(row)], {
          rows: [0],
          steps: [[]],
          pick: "draw",
          count: 1,
          stream: torchStream(1),
          offset: 0,
        });
    expect(draw(1, Number.NaN)).toThrow("the logits contain NaN");
    expect(draw(-Infinity, -Infinity)).toThrow("every token is masked");
  });
});
