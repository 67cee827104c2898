import { roundTo } from "../tensor/convert.ts";
import { check, checkCounts } from "./check.ts";
import { defineOp } from "./definition.ts";

/**
 * Token embedding: row `tokenIds[t]` of the weight [V, H], times `scale` when given -> [T, H]. Tokens that the weight has no
 * row for have row `otherwise`, when that is given. `roundScale`: the scale is rounded to the type that the weight is held in
 * (Gemma: 33.94 is 34 in bfloat16).
 */
export const embed = defineOp({
  name: "embed",
  attributes: {
    scale: { kind: "number", optional: true },
    otherwise: { kind: "index", optional: true },
    roundScale: { kind: "flag" },
  },
  shapes(inputs, weights, attributes) {
    checkCounts("embed", inputs, 0, weights, 1);
    const weight = weights[0];
    check(weight?.length === 2, "embed", "shape of weight", "[vocabulary, hidden]", weight ?? "nothing");
    const { otherwise } = attributes;
    const isRow = otherwise === undefined || otherwise < weight[0]!;
    check(isRow, "embed", "attribute `otherwise`", `0 to ${weight[0]! - 1}`, otherwise);
    return [["T", weight[1]!]];
  },
  reference({ weights, outputs, batch, attributes }) {
    const { data: table, shape } = weights[0]!;
    const out = outputs[0]!.data;
    const { scale: given, otherwise } = attributes;
    const dtype = attributes.roundScale ? (weights[0]!.storage ?? "float32") : "float32";
    const scale = given === undefined ? undefined : roundTo(Float32Array.of(given), dtype)[0]!;
    const [vocabulary, hidden] = [shape[0]!, shape[1]!];
    for (let t = 0; t < batch.tokenIds.length; t++) {
      const token = batch.tokenIds[t]!;
      const id = token < vocabulary ? token : (otherwise ?? token);
      check(id >= 0 && id < vocabulary, "embed", "token id", `0 to ${vocabulary - 1}`, id);
      for (let i = 0; i < hidden; i++) {
        const value = table[id * hidden + i]!;
        out[t * hidden + i] = scale === undefined ? value : value * scale;
      }
    }
  },
});
