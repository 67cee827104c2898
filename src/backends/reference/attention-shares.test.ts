import { expect, test } from "vitest";
import { batchOf, memoryPart, tensor } from "../../../test/helpers/run-op.ts";
import type { ReferenceContext } from "../../ops/definition.ts";
import { sharesOf } from "./attention-shares.ts";

test("attention shares hold more tokens and heads than a call takes arguments", () => {
  const [tokens, heads] = [20_000, 8];
  const batch = batchOf(Array.from({ length: tokens }, () => ({ tokens: [0] })));
  const state = [memoryPart(1), memoryPart(1)];
  for (const part of state) for (let sequence = 0; sequence < tokens; sequence++) part.write(sequence, 0, Float32Array.of(1));
  const zeros = tensor([tokens, heads], new Float32Array(tokens * heads));
  const context: ReferenceContext = {
    inputs: [zeros],
    outputs: [zeros],
    weights: [],
    state,
    attributes: { heads, keyValueHeads: 1, headDim: 1, valueHeadDim: 1, scale: 1 },
    batch,
    round: (value) => value,
    rounds: false,
  };
  const { shape, data } = sharesOf(context)();
  expect(shape).toEqual([tokens, heads]);
  expect(data.every((share) => share === 1)).toBe(true);
});
