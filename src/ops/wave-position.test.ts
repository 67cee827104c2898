import { expect, test } from "vitest";
import { batchOf, runOp } from "../../test/helpers/run-op.ts";

test("wave_position: sines, cosines, a zero at an odd width, and zeros for pads", () => {
  const batch = batchOf([{ tokens: [7, 1, 7] }]);
  const attributes = { width: 5, offset: 2, padding: 1, frequencies: [1, 0.5] };
  const [out] = runOp("wave_position", { batch, attributes });
  const row = (angle: number) => [Math.sin(angle), Math.sin(angle / 2), Math.cos(angle), Math.cos(angle / 2), 0];
  const expected = [...row(2), 0, 0, 0, 0, 0, ...row(4)];
  out!.forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i]!, 6);
  });
  expect(out).toHaveLength(15);
  expect(() => runOp("wave_position", { batch, attributes: { ...attributes, width: 3 } })).toThrow("length of frequencies");
});
