import { checkCounts, numberAttribute } from "./check.ts";
import type { OpDefinition } from "./definition.ts";

/** x · float32(factor). */
export const scale: OpDefinition = {
  name: "scale",
  shapes(inputs, weights, attributes) {
    checkCounts("scale", inputs, 1, weights, 0);
    numberAttribute("scale", attributes, "factor");
    return [[...inputs[0]!]];
  },
  reference({ inputs, outputs, attributes }) {
    const [x, out] = [inputs[0]!.data, outputs[0]!.data];
    const factor = Math.fround(numberAttribute("scale", attributes, "factor"));
    for (let i = 0; i < out.length; i++) out[i] = x[i]! * factor;
  },
};
