import { check, checkCounts, width } from "./check.ts";
import { defineOp } from "./definition.ts";

/** x · float32(factor), or x · the weight: [1], one number for all, or [H], one for each value of a row. */
export const scale = defineOp({
  name: "scale",
  attributes: {
    factor: { kind: "number", optional: true },
  },
  shapes(inputs, weights, attributes) {
    checkCounts("scale", inputs, 1, weights, Math.min(weights.length, 1));
    if (weights.length === 0) {
      check(attributes.factor !== undefined, "scale", "attribute `factor`", "a number", "nothing");
    } else {
      const last = width("scale", "x", inputs[0]!);
      const fits = weights[0]?.length === 1 && [1, last].includes(weights[0][0]!);
      check(fits, "scale", "shape of weight", `[1] or [${last}]`, weights[0] ?? "nothing");
      check(attributes.factor === undefined, "scale", "attribute `factor`", "absent with a weight", attributes.factor);
    }
    return [[...inputs[0]!]];
  },
  reference({ inputs, outputs, weights, attributes }) {
    const [x, out] = [inputs[0]!.data, outputs[0]!.data];
    const learned = weights[0]?.data;
    const factor = Math.fround(attributes.factor ?? 1);
    for (let i = 0; i < out.length; i++) out[i] = x[i]! * (learned ? learned[i % learned.length]! : factor);
  },
});
