import { check, checkCounts, width } from "./check.ts";
import { defineOp } from "./definition.ts";

/** The rows of x [T, H] whose logits are wanted, `logitRows[r]` each -> [R, H]. */
export const rows = defineOp({
  name: "rows",
  shapes(inputs, weights) {
    checkCounts("rows", inputs, 1, weights, 0);
    const hidden = width("rows", "x", inputs[0]!);
    check(inputs[0]!.length === 2 && inputs[0]![0] === "T", "rows", "shape of x", ["T", hidden], inputs[0]);
    return [["R", hidden]];
  },
  reference({ inputs, outputs, batch }) {
    const { data: x, shape } = inputs[0]!;
    const hidden = shape.at(-1)!;
    batch.logitRows.forEach((row, index) => {
      outputs[0]!.data.set(x.subarray(row * hidden, (row + 1) * hidden), index * hidden);
    });
  },
});
