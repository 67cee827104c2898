import { check, checkCounts, checkRows } from "./check.ts";
import { defineOp } from "./definition.ts";

/** Each row of x [T, width] times its own number, factors [T, 1]. */
export const scaleRows = defineOp({
  name: "scale_rows",
  shapes(inputs, weights) {
    checkCounts("scale_rows", inputs, 2, weights, 0);
    checkRows("scale_rows", "x", inputs[0]!);
    checkRows("scale_rows", "factors", inputs[1]!, 1);
    check(inputs[0]![0] === inputs[1]![0], "scale_rows", "rows of factors", inputs[0]![0], inputs[1]![0]);
    return [[...inputs[0]!]];
  },
  reference({ inputs, outputs }) {
    const { data: x, shape } = inputs[0]!;
    const factors = inputs[1]!.data;
    for (let i = 0; i < x.length; i++) outputs[0]!.data[i] = x[i]! * factors[Math.floor(i / shape[1]!)]!;
  },
});
