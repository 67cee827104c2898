import { check, checkCounts } from "./check.ts";
import { defineOp } from "./definition.ts";

/** Values held between `least` and `greatest`, element by element. */
export const clamp = defineOp({
  name: "clamp",
  attributes: {
    least: { kind: "number" },
    greatest: { kind: "number" },
  },
  shapes(inputs, weights, attributes) {
    checkCounts("clamp", inputs, 1, weights, 0);
    const { least, greatest } = attributes;
    check(least <= greatest, "clamp", "attribute `least`", `at most greatest (${greatest})`, least);
    return [[...inputs[0]!]];
  },
  reference({ inputs, outputs, attributes }) {
    const [x, out] = [inputs[0]!.data, outputs[0]!.data];
    const [least, greatest] = [Math.fround(attributes.least), Math.fround(attributes.greatest)];
    for (let i = 0; i < out.length; i++) out[i] = Math.min(Math.max(x[i]!, least), greatest);
  },
});
