import { check, checkCounts, checkRows } from "./check.ts";
import { defineOp } from "./definition.ts";

/** Side by side in each of `heads` heads: a [T, heads · A], b [T, heads · B] -> [T, heads · (A + B)]. */
export const joinHeads = defineOp({
  name: "join_heads",
  attributes: {
    heads: { kind: "count" },
  },
  shapes(inputs, weights, attributes) {
    checkCounts("join_heads", inputs, 2, weights, 0);
    const { heads } = attributes;
    const [a, b] = inputs.map((shape, i) => checkRows("join_heads", "ab"[i]!, shape));
    for (const width of [a!, b!]) check(width % heads === 0, "join_heads", "width", `a multiple of heads (${heads})`, width);
    check(inputs[0]![0] === inputs[1]![0], "join_heads", "rows of b", inputs[0]![0], inputs[1]![0]);
    return [[inputs[0]![0]!, a! + b!]];
  },
  reference({ inputs, outputs, attributes }) {
    const { heads } = attributes;
    const [a, b] = inputs.map(({ data, shape }) => ({ data, width: shape[1]! / heads }));
    const y = outputs[0]!.data;
    const width = a!.width + b!.width;
    for (let head = 0; head < y.length / width; head++) {
      y.set(a!.data.subarray(head * a!.width, (head + 1) * a!.width), head * width);
      y.set(b!.data.subarray(head * b!.width, (head + 1) * b!.width), head * width + a!.width);
    }
  },
});
