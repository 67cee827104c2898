import { check, checkCounts, sameShape } from "./check.ts";
import { defineOp } from "./definition.ts";

/** Element-wise a + b of equal shapes. */
export const add = defineOp({
  name: "add",
  shapes(inputs, weights) {
    checkCounts("add", inputs, 2, weights, 0);
    check(sameShape(inputs[0]!, inputs[1]!), "add", "shape of b", inputs[0], inputs[1]);
    return [[...inputs[0]!]];
  },
  reference({ inputs, outputs }) {
    const [a, b, out] = [inputs[0]!.data, inputs[1]!.data, outputs[0]!.data];
    for (let i = 0; i < out.length; i++) out[i] = a[i]! + b[i]!;
  },
});
