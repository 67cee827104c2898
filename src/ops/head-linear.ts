import { check, checkCounts, checkRows } from "./check.ts";
import { defineOp } from "./definition.ts";

/**
 * One matrix for each head: x [T, heads · K], W [heads, N, K] -> [T, heads · N], head h of y being head h of x times W[h]ᵀ.
 * It absorbs the up-projections of a latent cache into queries and outputs.
 *
 * Source: DeepSeek-AI 2024, "DeepSeek-V2" (multi-head latent attention).
 */
export const headLinear = defineOp({
  name: "head_linear",
  shapes(inputs, weights) {
    checkCounts("head_linear", inputs, 1, weights, 1);
    const weight = weights[0];
    check(weight?.length === 3, "head_linear", "shape of weight", "[heads, out, in]", weight ?? "nothing");
    const [heads, n, k] = weight as [number, number, number];
    checkRows("head_linear", "x", inputs[0]!, heads * k);
    return [[inputs[0]![0]!, heads * n]];
  },
  reference({ inputs, weights, outputs }) {
    const x = inputs[0]!.data;
    const y = outputs[0]!.data;
    const { data: w, shape } = weights[0]!;
    const [heads, n, k] = shape as [number, number, number];
    for (let row = 0; row < x.length / (heads * k); row++) {
      for (let j = 0; j < heads * n; j++) {
        const head = Math.floor(j / n);
        let sum = 0;
        for (let i = 0, a = (row * heads + head) * k, b = j * k; i < k; i++, a++, b++) sum += x[a]! * w[b]!;
        y[row * heads * n + j] = sum;
      }
    }
  },
});
