import { check, checkCounts, checkRows } from "./check.ts";
import { defineOp } from "./definition.ts";

/** Columns `first` to `first` + `count` (exclusive) of x [T, width] -> [T, count]. */
export const columns = defineOp({
  name: "columns",
  attributes: {
    first: { kind: "index" },
    count: { kind: "count" },
  },
  shapes(inputs, weights, attributes) {
    checkCounts("columns", inputs, 1, weights, 0);
    const width = checkRows("columns", "x", inputs[0]!);
    const { first, count } = attributes;
    check(first + count <= width, "columns", "last column", `at most ${width}`, first + count);
    return [[inputs[0]![0]!, count]];
  },
  reference({ inputs, outputs, attributes }) {
    const { data: x, shape } = inputs[0]!;
    const { first, count } = attributes;
    const width = shape[1]!;
    for (let row = 0; row < x.length / width; row++) {
      outputs[0]!.data.set(x.subarray(row * width + first, row * width + first + count), row * count);
    }
  },
});
