import { checkCounts, checkRows } from "./check.ts";
import { defineOp } from "./definition.ts";

/**
 * What of each row of x [T, H] lies above mean + `deviations` · standard deviation (of the row, not its sample), less that;
 * 0 elsewhere -> [T, H]. Where values are spread normally it keeps a known part of them.
 *
 * Source: Lee et al. 2024, "Spark Transformer" (statistical top-k), as Gemma 3n has it.
 */
export const gaussianCut = defineOp({
  name: "gaussian_cut",
  attributes: {
    deviations: { kind: "number" },
  },
  shapes(inputs, weights) {
    checkCounts("gaussian_cut", inputs, 1, weights, 0);
    checkRows("gaussian_cut", "x", inputs[0]!);
    return [[...inputs[0]!]];
  },
  reference({ inputs, outputs, attributes, round }) {
    const x = inputs[0]!.data;
    const y = outputs[0]!.data;
    const deviations = round(Math.fround(attributes.deviations));
    const width = inputs[0]!.shape[1]!;
    for (let start = 0; start < x.length; start += width) {
      let [sum, squares] = [0, 0];
      for (let i = start; i < start + width; i++) sum += x[i]!;
      const mean = sum / width;
      for (let i = start; i < start + width; i++) squares += (x[i]! - mean) ** 2;
      const spread = round(Math.fround(round(Math.fround(Math.sqrt(squares / width))) * deviations));
      const cut = round(Math.fround(round(Math.fround(mean)) + spread));
      for (let i = start; i < start + width; i++) y[i] = Math.max(0, x[i]! - cut);
    }
  },
});
