import { check, checkCounts, numberAttribute } from "./check.ts";
import type { OpDefinition } from "./definition.ts";

/** Values held between `least` and `greatest`, element by element. */
export const clamp: OpDefinition = {
  name: "clamp",
  shapes(inputs, weights, attributes) {
    checkCounts("clamp", inputs, 1, weights, 0);
    const [least, greatest] = ["least", "greatest"].map((name) => numberAttribute("clamp", attributes, name));
    check(least! <= greatest!, "clamp", "attribute `least`", `at most greatest (${greatest})`, least);
    return [[...inputs[0]!]];
  },
  reference({ inputs, outputs, attributes }) {
    const [x, out] = [inputs[0]!.data, outputs[0]!.data];
    const [least, greatest] = ["least", "greatest"].map((name) => Math.fround(numberAttribute("clamp", attributes, name)));
    for (let i = 0; i < out.length; i++) out[i] = Math.min(Math.max(x[i]!, least!), greatest!);
  },
};
