import { expect, it } from "vitest";
import { isClose, runOp, tensor } from "../../test/helpers/run-op.ts";
import { opDefinition } from "./registry.ts";

const x = [-9, -3, -1, -0.1, -5e-7, 0, 0.5, 2, 7];

// from transformers' XIELUActivation in float32
const usual = [2.7255998, 0.3513391, -0.1677364, -0.0456309, -7e-7, -9e-7, 0.4635888, 4.4174213, 45.3634071];
const given = [7.054265, 1.6339335, 0.1778494, -0.3663093, -0.4576104, -0.4576108, 6.375, 100.5, 1226.75];

const run = (...numbers: (number | undefined)[]) => {
  const weights = numbers.map((value) => (value === undefined ? undefined : tensor([1], [value])));
  return runOp("xielu", { inputs: [tensor([1, 9], x)], weights })[0]!;
};

it("bends by two learned numbers, and by β and ε when they are there", () => {
  expect(isClose(run(0.3, -0.7, undefined, undefined), usual)).toBe(true);
  expect(isClose(run(0.3, -0.7, 0.5, -1e-6), usual)).toBe(true);
  expect(isClose(run(25, 0.4, 0.25, -0.5), given)).toBe(true);
});

it("refuses weights that are missing or of more than one value", () => {
  const { shapes } = opDefinition("xielu");
  expect(shapes([["T", 4]], [[1], [1], [], undefined], {})).toEqual([["T", 4]]);
  expect(() => shapes([["T", 4]], [[1], undefined, undefined, undefined], {})).toThrow("[xielu] weights");
  expect(() => shapes([["T", 4]], [[1], [2], undefined, undefined], {})).toThrow("[xielu] values of a weight");
});
