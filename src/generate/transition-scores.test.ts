import { expect, test } from "vitest";
import { computeTransitionScores } from "./transition-scores.ts";

const scores = [[Float32Array.of(1, 2), Float32Array.of(3, 4)]];

test("scores of the tokens that were picked", () => {
  expect(
    computeTransitionScores(
      [
        [0, 1],
        [0, 0],
      ],
      scores,
    ),
  ).toEqual([Float32Array.of(2), Float32Array.of(3)]);
  expect(computeTransitionScores([[0, 1]], scores, [[1]])).toEqual([Float32Array.of(4)]);
});

test("what is missing is named", () => {
  const refused = (given: unknown[], message: string) => {
    const call = () => computeTransitionScores(...(given as Parameters<typeof computeTransitionScores>));
    expect(call).toThrow(expect.objectContaining({ code: "invalid_input", message: expect.stringContaining(message) }));
  };
  refused([], "`sequences` must be");
  refused([[[0, 1]]], "`scores` must be");
  refused([[0, 1], scores], "`sequences` must be");
  refused([[[0, 1]], scores], "`beamIndices` must be given where `scores` has other rows (2) than `sequences` (1)");
});
