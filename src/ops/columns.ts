import { check, checkCounts, checkRows, countAttribute, numberAttribute } from "./check.ts";
import type { OpDefinition } from "./definition.ts";
import type { Attributes } from "./program.ts";

/** Columns `first` to `first` + `count` (exclusive) of x [T, width] -> [T, count]. */
export const columns: OpDefinition = {
  name: "columns",
  shapes(inputs, weights, attributes) {
    checkCounts("columns", inputs, 1, weights, 0);
    const width = checkRows("columns", "x", inputs[0]!);
    const { first, count } = rangeOf(attributes);
    check(first + count <= width, "columns", "last column", `at most ${width}`, first + count);
    return [[inputs[0]![0]!, count]];
  },
  reference({ inputs, outputs, attributes }) {
    const { data: x, shape } = inputs[0]!;
    const { first, count } = rangeOf(attributes);
    const width = shape[1]!;
    for (let row = 0; row < x.length / width; row++) {
      outputs[0]!.data.set(x.subarray(row * width + first, row * width + first + count), row * count);
    }
  },
};

function rangeOf(attributes: Attributes): { first: number; count: number } {
  const first = numberAttribute("columns", attributes, "first");
  check(Number.isInteger(first) && first >= 0, "columns", "attribute `first`", "0 or a positive integer", first);
  return { first, count: countAttribute("columns", attributes, "count") };
}
