import { expect, test } from "vitest";
import { batchOf, isClose, runOp, tensor } from "../../test/helpers/run-op.ts";

const x = tensor([5, 2], [1, -2, 1, -2, 1, -2, 1, -2, 1, -2]);
const tokens = (count: number) => Array<number>(count).fill(0);
const attributes = { strength: 0.5, length: 3, offset: 1 };

test("scale_by_position grows by the logarithm of the lengths behind", () => {
  // from torch: log1p(floor((p + 1) / 3)) · 0.5 + 1 for p = 1 to 3, and for p = 7 and 8
  const factors = [1, 1.3465736, 1.3465736, 1.5493062, 1.6931472];
  const batch = batchOf([
    { first: 1, tokens: tokens(3) },
    { first: 7, tokens: tokens(2) },
  ]);
  const [out] = runOp("scale_by_position", { inputs: [x], batch, attributes });
  expect(
    isClose(
      out!,
      factors.flatMap((factor) => [factor, -2 * factor]),
      1e-6,
    ),
  ).toBe(true);
});

test("scale_by_position counts pads where it is told to", () => {
  const batch = { ...batchOf([{ first: 1, tokens: tokens(3) }, { tokens: tokens(2) }]), padding: Int32Array.of(0, 7) };
  const factorsOf = (more: object) =>
    runOp("scale_by_position", { inputs: [x], batch, attributes: { ...attributes, ...more } })[0]!.filter(
      (_, i) => i % 2 === 0,
    );
  expect(isClose(factorsOf({ countsPadding: true }), [1, 1.3465736, 1.3465736, 1.5493062, 1.6931472], 1e-6)).toBe(true);
  expect(isClose(factorsOf({}), [1, 1.3465736, 1.3465736, 1, 1], 1e-6)).toBe(true);
});

test("scale_by_position refuses what it cannot do", () => {
  const run = (more: object) => runOp("scale_by_position", { inputs: [x], attributes: { ...attributes, ...more } });
  expect(() => run({ length: 0 })).toThrow("[scale_by_position] attribute `length`");
  expect(() => run({ offset: -1 })).toThrow("[scale_by_position] attribute `offset`");
  expect(() => run({ strength: undefined })).toThrow("[scale_by_position] attribute `strength`");
});
