import { expect, test } from "vitest";
import { sampleGroup } from "./chain.ts";
import type { SamplingStep } from "./step.ts";

test("a report says which step removed each of the likeliest tokens, with its scores before and behind", () => {
  const steps: SamplingStep[] = [
    { kind: "warp", how: "temperature", value: 0.5, minTokensToKeep: 1 },
    { kind: "edit", how: "set", tokens: Int32Array.of(3), values: Float32Array.of(-Infinity) },
    { kind: "warp", how: "topK", value: 2, minTokensToKeep: 1 },
  ];
  const group = { rows: [0, 1], steps: [steps, []], pick: "argmax", count: 1, report: 4 } as const;
  const picks = sampleGroup([Float32Array.of(1, 4, 2, 3, 0), Float32Array.of(0, 0, 1, 0, 0)], group);
  expect(picks.report).toEqual([
    {
      tokens: Int32Array.of(1, 3, 2, 0),
      removedBy: Int32Array.of(-1, 1, -1, 2),
      scores: Float32Array.of(4, 3, 2, 1, 8, 6, 4, 2, 8, -Infinity, 4, 2, 8, -Infinity, 4, -Infinity),
    },
    { tokens: Int32Array.of(2, 0, 1, 3), removedBy: new Int32Array(4).fill(-1), scores: Float32Array.of(1, 0, 0, 0) },
  ]);
});
