import { check, checkCounts, checkVector, width } from "./check.ts";
import { defineOp } from "./definition.ts";

/**
 * y = x · Wᵀ + bias. x [*, K], W [N, K], bias [N] or absent -> [*, N]. Sums run in order of k. `roundProduct`: where activations
 * are bfloat16, x · Wᵀ is rounded before the bias is added (Falcon).
 */
export const linear = defineOp({
  name: "linear",
  attributes: {
    roundProduct: { kind: "flag" },
  },
  absorbs: "add",
  shapes(inputs, weights) {
    checkCounts("linear", inputs, 1, weights, 2);
    const [x, weight] = [inputs[0]!, weights[0]];
    const k = width("linear", "x", x);
    check(weight?.length === 2 && weight[1] === k, "linear", "shape of weight", `[out, ${k}]`, weight ?? "nothing");
    checkVector("linear", "bias", weights[1], weight[0]!);
    return [[...x.slice(0, -1), weight[0]!]];
  },
  reference({ inputs, weights, outputs, attributes, round }) {
    const { data: w, shape, input } = weights[0]!;
    const x = input?.(inputs[0]!.data) ?? inputs[0]!.data;
    const bias = weights[1]?.data;
    const y = outputs[0]!.data;
    const [n, k] = [shape[0]!, shape[1]!];
    const rows = x.length / k;
    for (let r = 0; r < rows; r++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let i = 0, a = r * k, b = j * k; i < k; i++, a++, b++) sum += x[a]! * w[b]!;
        if (attributes.roundProduct) sum = round(sum);
        y[r * n + j] = bias ? sum + bias[j]! : sum;
      }
    }
  },
});
