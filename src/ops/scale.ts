import { check, checkCounts, numberAttribute } from "./check.ts";
import type { OpDefinition } from "./definition.ts";

/** x · float32(factor), or x · the one number that the weight [1] holds. */
export const scale: OpDefinition = {
  name: "scale",
  shapes(inputs, weights, attributes) {
    checkCounts("scale", inputs, 1, weights, Math.min(weights.length, 1));
    if (weights.length === 0) numberAttribute("scale", attributes, "factor");
    else {
      check(weights[0]?.join() === "1", "scale", "shape of weight", [1], weights[0] ?? "nothing");
      check(attributes.factor === undefined, "scale", "attribute `factor`", "absent with a weight", attributes.factor);
    }
    return [[...inputs[0]!]];
  },
  reference({ inputs, outputs, weights, attributes }) {
    const [x, out] = [inputs[0]!.data, outputs[0]!.data];
    const factor = weights[0]?.data[0] ?? Math.fround(numberAttribute("scale", attributes, "factor"));
    for (let i = 0; i < out.length; i++) out[i] = x[i]! * factor;
  },
};
