import { describe, expect, test } from "vitest";
import { sampleGroup } from "./chain.ts";
import type { SamplingGroup } from "./group.ts";
import { greatest } from "./logprobs.ts";
import type { SamplingStep } from "./step.ts";

/** log_softmax in float64, the plain way. */
function oracle(logits: readonly number[]): number[] {
  const total = logits.reduce((sum, value) => sum + Math.exp(value), 0);
  return logits.map((value) => Math.log(Math.exp(value) / total));
}

const logits = [
  [0.5, -1, 3, 3, 2, -Infinity],
  [1, 1, 1, 0, 4, -2],
];
const steps: SamplingStep[] = [
  { kind: "only", tokens: Int32Array.of(1, 4) },
  { kind: "warp", how: "temperature", value: 0.5, minTokensToKeep: 1 },
];
const sample = (group: Omit<SamplingGroup, "rows" | "steps">, lists = [steps, steps]) =>
  sampleGroup(
    logits.map((row) => Float32Array.from(row)),
    { rows: [0, 1], steps: lists, ...group },
  );
const chunks = (values: Iterable<number>, size: number) => {
  const list = [...values];
  return Array.from({ length: list.length / size }, (_, i) => list.slice(i * size, (i + 1) * size));
};

describe("logprobs", () => {
  test.each([0, 1, 3, 6, 50])("take %d likeliest tokens from the raw logits of each pick's row", (n) => {
    const { rows, tokens, logprobs } = sample({ pick: "top", count: 4, bias: [5, -5], logprobs: n });
    const width = Math.min(n, 6);
    expect(logprobs!.picked).toHaveLength(4);
    expect(logprobs!.tokens).toHaveLength(4 * width);
    expect(logprobs!.values).toHaveLength(4 * width);
    rows.forEach((row, pick) => {
      const expected = oracle(logits[row]!);
      expect(logprobs!.picked[pick]).toBeCloseTo(expected[tokens[pick]!]!, 5);
      const order = [...expected.keys()].sort((a, b) => expected[b]! - expected[a]! || a - b);
      const likeliest = width > 0 ? chunks(logprobs!.tokens, width)[pick]! : [];
      expect(likeliest).toEqual(order.slice(0, width));
      likeliest.forEach((token, place) => {
        const value = logprobs!.values[pick * width + place]!;
        if (expected[token] === -Infinity) expect(value).toBe(-Infinity);
        else expect(value).toBeCloseTo(expected[token]!, 5);
      });
    });
  });

  test("are left out where nobody asks for them", () => {
    expect(sample({ pick: "argmax", count: 1 })).not.toHaveProperty("logprobs");
  });
});

describe("score", () => {
  test("gives the log probability of each row's target, in the order of the rows", () => {
    const picks = sample({ pick: "score", count: 2, target: [4, 0], logprobs: 2 }, [[], []]);
    expect(Array.from(picks.rows)).toEqual([0, 1]);
    expect(Array.from(picks.tokens)).toEqual([4, 0]);
    expect(picks.scores[0]).toBeCloseTo(oracle(logits[0]!)[4]!, 5);
    expect(picks.scores[1]).toBeCloseTo(oracle(logits[1]!)[0]!, 5);
    expect(Array.from(picks.logprobs!.picked)).toEqual(Array.from(picks.scores));
    expect(chunks(picks.logprobs!.tokens, 2)).toEqual([
      [2, 3],
      [4, 0],
    ]);
  });

  test("judges the processed scores, beside raw log probabilities", () => {
    const picks = sample({ pick: "score", count: 2, target: [4, 0], logprobs: 0 });
    expect(picks.scores[0]).toBeCloseTo(Math.log(0.5), 5);
    expect(picks.scores[1]).toBe(-Infinity);
    expect(picks.logprobs!.picked[1]).toBeCloseTo(oracle(logits[1]!)[0]!, 5);
  });
});

describe("greatest", () => {
  test("takes the lower index of equals, and NaN last", () => {
    expect(Array.from(greatest(Float32Array.of(1, Number.NaN, 3, 3, 1), 4))).toEqual([2, 3, 0, 4]);
    expect(Array.from(greatest(Float32Array.of(Number.NaN, 1), 2))).toEqual([1, 0]);
    expect(Array.from(greatest(Float32Array.of(1), 0))).toEqual([]);
  });

  test("gives for few and for many what a full sort gives", () => {
    const values = Float32Array.from({ length: 500 }, (_, i) => (i * 7919) % 101);
    const sorted = [...values.keys()].sort((a, b) => values[b]! - values[a]! || a - b);
    for (const count of [1, 20, 128, 129, 400, 500, 600]) {
      expect(Array.from(greatest(values, count))).toEqual(sorted.slice(0, count));
    }
  });
});
