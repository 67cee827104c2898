import { expect, test } from "vitest";
import type { Sequence } from "../engine/request.ts";
import { StateRecorder } from "./state-recorder.ts";

const sequenceOf = (tokens: number[]) => ({ tokens, index: 0 }) as unknown as Sequence;
const recorder = () =>
  new StateRecorder({
    hidden: { decoder: ["hidden.0", "hidden"], encoder: ["encoder.hidden.0"] },
    attentions: { decoder: [{ output: "attention.0", heads: 2 }], cross: [], encoder: [] },
  });

test("what is observed belongs to the rows that are named before the next token", () => {
  const states = recorder();
  expect(states.outputs).toEqual(["hidden.0", "hidden", "attention.0"]);
  expect(states.encoderOutputs).toEqual(["encoder.hidden.0"]);
  const { observe } = states.watch(1);
  const sequence = sequenceOf([7, 8]);
  observe(sequence, 0, Float32Array.of(1, 2), 2, "hidden");
  observe(sequence, 1, Float32Array.of(3, 4), 2, "hidden");
  observe(sequence, 0, Float32Array.of(9, 9), 1, "encoder.hidden.0");
  expect(states.row("hidden", 4)).toEqual([]);
  states.commit(sequence, [4, 5]);
  for (const row of [4, 5]) expect(states.row("hidden", row)).toEqual([Float32Array.of(1, 2), Float32Array.of(3, 4)]);
  expect(states.row("encoder.hidden.0", 1)).toEqual([Float32Array.of(9), Float32Array.of(9)]);
});

test("tokens that come again stay as they were, and beams change places", () => {
  const states = recorder();
  const { observe } = states.watch(0);
  const [a, b] = [sequenceOf([7, 1]), sequenceOf([7, 2])];
  for (const [sequence, value] of [
    [a, 1],
    [b, 2],
  ] as const) {
    observe(sequence, 0, Float32Array.of(0, value), 1, "hidden");
    states.commit(sequence, [value]);
  }
  const swapped = sequenceOf([7, 2, 3]);
  observe(swapped, 0, Float32Array.of(5, 5, 5), 1, "hidden");
  states.commit(swapped, [1]);
  expect(states.row("hidden", 1)).toEqual([0, 1, 5].map((value) => Float32Array.of(value)));
});

test("a token of a draft waits until it is picked, and may be computed again", () => {
  const states = recorder();
  const { observe } = states.watch(0);
  const tokens = [7];
  const sequence = sequenceOf(tokens);
  observe(sequence, 0, Float32Array.of(1, 2), 1, "hidden");
  states.commit(sequence, [0]);
  expect(states.row("hidden", 0)).toEqual([Float32Array.of(1)]);
  tokens.push(8);
  observe(sequence, 1, Float32Array.of(3), 1, "hidden");
  states.commit(sequence, [0]);
  expect(states.row("hidden", 0)).toEqual([Float32Array.of(1), Float32Array.of(3)]);
});
