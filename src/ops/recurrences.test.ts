import { describe, expect, it } from "vitest";
import { batchOf, isClose, runOp, tensor } from "../../test/helpers/run-op.ts";
import type { ReferenceStatePart } from "./definition.ts";

/** A slot of each sequence, zeros at the start. */
function slots(width: number): ReferenceStatePart {
  const held = new Map<number, Float32Array>();
  return {
    width,
    read: (sequence) => held.get(sequence) ?? new Float32Array(width),
    write: (sequence, _position, values) => void held.set(sequence, values.slice()),
    length: () => 0,
  };
}

const noise = (count: number, seed: number) => Array.from({ length: count }, (_, i) => Math.sin(seed + 1.7 * i) * 1.3);

const cases = [
  { op: "causal_convolution", widths: [3], weights: [[3, 1, 4], [3]], state: 9, attributes: {} },
  { op: "selective_scan", widths: [3, 3, 2, 2], weights: [[3, 2], [3]], state: 6, attributes: {} },
  {
    op: "gated_delta",
    widths: [2 * 3 + 4 * 2, 2, 2],
    weights: [[2], [2]],
    state: 2 * 3 * 4,
    attributes: { keyHeads: 1, valueHeads: 2, keyHeadDim: 3, valueHeadDim: 4 },
  },
];

describe.each(cases)("$op", ({ op, widths, weights, state, attributes }) => {
  const size = (shape: number[]) => shape.reduce((product, length) => product * length, 1);
  const rows = 7;
  const inputs = widths.map((width, index) => tensor([rows, width], noise(rows * width, index)));
  const given = weights.map((shape, index) => tensor(shape, noise(size(shape), 10 + index)));
  const part = (first: number, last: number) =>
    inputs.map(({ data }, index) =>
      tensor([last - first, widths[index]!], data.slice(first * widths[index]!, last * widths[index]!)),
    );
  const run = (slot: ReferenceStatePart, first: number, last: number) => {
    const batch = batchOf([{ first, tokens: Array(last - first).fill(0) }]);
    return runOp(op, { inputs: part(first, last), weights: given, state: [slot], attributes, batch })[0]!;
  };

  it("gives the same rows whole, in chunks and token by token", () => {
    const whole = run(slots(state), 0, rows);
    expect(whole.some((value) => Math.abs(value) > 0.1)).toBe(true);
    for (const chunks of [
      [3, 1, 3],
      [1, 1, 1, 1, 1, 1, 1],
    ]) {
      const slot = slots(state);
      let first = 0;
      const got = chunks.flatMap((count) => {
        first += count;
        return run(slot, first - count, first);
      });
      expect(isClose(got, whole, 1e-6)).toBe(true);
    }
  });

  it("keeps sequences of one batch apart", () => {
    const batch = batchOf([{ tokens: [0, 0, 0] }, { tokens: [0, 0, 0, 0] }]);
    const both = runOp(op, { inputs, weights: given, state: [slots(state)], attributes, batch })[0]!;
    const alone = runOp(op, {
      inputs: part(3, rows),
      weights: given,
      state: [slots(state)],
      attributes,
      batch: batchOf([{ tokens: [0, 0, 0, 0] }]),
    })[0]!;
    expect(both.slice(-alone.length)).toEqual(alone);
  });

  it("refuses inputs of other widths", () => {
    const wrong = [tensor([rows, widths[0]! + 1], noise(rows * (widths[0]! + 1), 0)), ...inputs.slice(1)];
    expect(() => runOp(op, { inputs: wrong, weights: given, state: [slots(state)], attributes })).toThrow(op);
  });
});

it("causal_convolution sees this token and those before, and adds its bias", () => {
  const batch = batchOf([{ tokens: [0, 0, 0] }]);
  const weights = [tensor([1, 1, 2], [10, 1]), tensor([1], [0.5])];
  const [y] = runOp("causal_convolution", { inputs: [tensor([3, 1], [1, 2, 3])], weights, state: [slots(1)], batch });
  expect(y).toEqual([1.5, 12.5, 23.5]);
});

it("selective_scan's state falls by exp(−exp(aLog) · softplus(delta))", () => {
  const batch = batchOf([{ tokens: [0, 0] }]);
  const column = (...values: number[]) => tensor([2, 1], values);
  // softplus(ln(e − 1)) = 1
  const delta = Math.log(Math.E - 1);
  const [y] = runOp("selective_scan", {
    inputs: [column(2, 0), column(delta, delta), column(3, 3), column(1, 1)],
    weights: [tensor([1, 1], [Math.log(2)]), tensor([1], [10])],
    state: [slots(1)],
    batch,
  });
  expect(isClose(y!, [26, 6 * Math.exp(-2)], 1e-5)).toBe(true);
});

it("gated_delta recalls the value that it learnt for a key", () => {
  const batch = batchOf([{ tokens: [0, 0] }]);
  // query, key and value of two tokens; b opens the learning rate wholly, a keeps the state wholly
  const mixed = tensor([2, 5], [1, 0, 3, 0, 7, 2, 0, 0, 5, 9]);
  const attributes = { keyHeads: 1, valueHeads: 1, keyHeadDim: 2, valueHeadDim: 1 };
  const inputs = [mixed, tensor([2, 1], [-50, -50]), tensor([2, 1], [50, 50])];
  const weights = [tensor([1], [0]), tensor([1], [0])];
  const [y] = runOp("gated_delta", { inputs, weights, state: [slots(2)], attributes, batch });
  // the query of the second token asks for the first key
  expect(isClose(y!, [7 / Math.SQRT2, 7 / Math.SQRT2], 1e-5)).toBe(true);
});
