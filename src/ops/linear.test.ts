import { describe, expect, it } from "vitest";
import { batchOf, isClose, runOp, tensor } from "../../test/helpers/run-op.ts";
import { opDefinition } from "./registry.ts";

describe("linear", () => {
  const x = tensor([2, 3], [1, 2, 3, -1, 0, 4]);
  const weight = tensor([2, 3], [1, 0, -1, 2, 0.5, 1]);
  it("multiplies by the transposed weight and adds the bias", () => {
    expect(runOp("linear", { inputs: [x], weights: [weight, undefined] })).toEqual([[-2, 6, -5, 2]]);
    expect(runOp("linear", { inputs: [x], weights: [weight, tensor([2], [0.5, -1])] })).toEqual([[-1.5, 5, -4.5, 1]]);
  });
  it("refuses other shapes", () => {
    const { shapes } = opDefinition("linear");
    expect(shapes([["R", 3]], [[5, 3], undefined], {})).toEqual([["R", 5]]);
    expect(() => shapes([["T", 4]], [[5, 3], undefined], {})).toThrow("[linear] shape of weight");
    expect(() => shapes([["T", 3]], [undefined, undefined], {})).toThrow("[linear] shape of weight");
    expect(() => shapes([["T", 3]], [[5, 3], [4]], {})).toThrow("[linear] shape of bias");
    expect(() => shapes([["T", 3]], [[5, 3]], {})).toThrow("[linear] number of weights");
  });
});

// from torch in float32
const rows = tensor([2, 4], [1, 2, 3, -4, 0.5, -0.25, 100, 0]);
const weight = tensor([4], [1, 0.5, 2, -1]);

describe("rms_norm", () => {
  it("normalises rows", () => {
    const want = [0.36514813, 0.36514813, 2.1908889, 1.4605925, 0.0099998433, -0.0024999608, 3.9999373, 0];
    const [got] = runOp("rms_norm", { inputs: [rows], weights: [weight], attributes: { epsilon: 1e-5 } });
    expect(isClose(got!, want)).toBe(true);
  });
  it("counts the weight from 1 on demand", () => {
    const attributes = { epsilon: 1e-5, unitOffset: true };
    const less = tensor([4], [0, -0.5, 1, -2]);
    const [got] = runOp("rms_norm", { inputs: [rows], weights: [less], attributes });
    expect(got).toEqual(runOp("rms_norm", { inputs: [rows], weights: [weight], attributes: { epsilon: 1e-5 } })[0]);
  });
  it("normalises groups with one weight", () => {
    const [got] = runOp("rms_norm", {
      inputs: [tensor([1, 4], [3, 4, 0, 2])],
      weights: [tensor([2], [1, 10])],
      attributes: { epsilon: 0, groupSize: 2 },
    });
    expect(isClose(got!, [3 / Math.sqrt(12.5), 40 / Math.sqrt(12.5), 0, 10 * Math.SQRT2])).toBe(true);
  });
  it("refuses groups that do not divide the row, and other weights", () => {
    const { shapes } = opDefinition("rms_norm");
    expect(() => shapes([["T", 4]], [[3]], { epsilon: 0, groupSize: 3 })).toThrow("groupSize");
    expect(() => shapes([["T", 4]], [[4]], { epsilon: 0, groupSize: 2 })).toThrow("[rms_norm] shape of weight");
    expect(() => shapes([["T", 4]], [[4]], {})).toThrow("epsilon");
  });
});

describe("layer_norm", () => {
  it("normalises rows", () => {
    const want = [0.18569522, 1.2785428, 0.8569522, 1.9212569, -0.56770867, 0.70747834, 2.4640343, 0.82926512];
    const bias = tensor([4], [0, 1, -1, 0.25]);
    const [got] = runOp("layer_norm", { inputs: [rows], weights: [weight, bias], attributes: { epsilon: 1e-5 } });
    expect(isClose(got!, want)).toBe(true);
    const [plain] = runOp("layer_norm", { inputs: [rows], weights: [weight, undefined], attributes: { epsilon: 1e-5 } });
    expect(
      isClose(
        plain!,
        want.map((value, i) => value - bias.data[i % 4]!),
      ),
    ).toBe(true);
  });
});

describe("embed, embed_position, rows", () => {
  const table = tensor([3, 2], [1, 2, 3, 4, 5, 6]);
  const batch = batchOf([{ first: 1, tokens: [2, 0] }, { tokens: [1] }], [1, 2]);
  it("gather rows", () => {
    expect(runOp("embed", { weights: [table], batch })).toEqual([[5, 6, 1, 2, 3, 4]]);
    expect(runOp("embed", { weights: [table], batch, attributes: { scale: 2 } })).toEqual([[10, 12, 2, 4, 6, 8]]);
    expect(runOp("embed_position", { weights: [table], batch, attributes: { offset: 0 } })).toEqual([[3, 4, 5, 6, 1, 2]]);
    const one = batchOf([{ tokens: [0] }]);
    expect(runOp("embed_position", { weights: [table], batch: one, attributes: { offset: 2 } })).toEqual([[5, 6]]);
    expect(runOp("rows", { inputs: [tensor([3, 2], [1, 2, 3, 4, 5, 6])], batch })).toEqual([[3, 4, 5, 6]]);
  });
  it("refuse ids and positions outside the table", () => {
    const outside = batchOf([{ tokens: [3] }]);
    expect(() => runOp("embed", { weights: [table], batch: outside })).toThrow("[embed] token id: expected 0 to 2, given 3");
    const far = batchOf([{ first: 3, tokens: [0] }]);
    expect(() => runOp("embed_position", { weights: [table], batch: far, attributes: { offset: 0 } })).toThrow(
      "[embed_position] position",
    );
  });
});
