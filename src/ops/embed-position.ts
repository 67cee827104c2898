import { check, checkCounts } from "./check.ts";
import { defineOp } from "./definition.ts";

/** Learned positions: row `positions[t] + offset` of the weight [P, H] -> [T, H]. `offset` is 2 for OPT, else 0. */
export const embedPosition = defineOp({
  name: "embed_position",
  attributes: {
    offset: { kind: "integer" },
  },
  shapes(inputs, weights) {
    checkCounts("embed_position", inputs, 0, weights, 1);
    const weight = weights[0];
    check(weight?.length === 2, "embed_position", "shape of weight", "[positions, hidden]", weight ?? "nothing");
    return [["T", weight[1]!]];
  },
  reference({ weights, outputs, batch, attributes }) {
    const { data: table, shape } = weights[0]!;
    const out = outputs[0]!.data;
    const { offset } = attributes;
    const [rows, hidden] = [shape[0]!, shape[1]!];
    for (let t = 0; t < batch.positions.length; t++) {
      const row = batch.positions[t]! + offset;
      check(row >= 0 && row < rows, "embed_position", "position", `0 to ${rows - 1 - offset}`, row - offset);
      out.set(table.subarray(row * hidden, (row + 1) * hidden), t * hidden);
    }
  },
});
