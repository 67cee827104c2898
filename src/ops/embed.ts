import { check, checkCounts, optionalNumber } from "./check.ts";
import type { OpDefinition } from "./definition.ts";

/** Token embedding: row `tokenIds[t]` of the weight [V, H], times `scale` when given -> [T, H]. */
export const embed: OpDefinition = {
  name: "embed",
  shapes(inputs, weights, attributes) {
    checkCounts("embed", inputs, 0, weights, 1);
    const weight = weights[0];
    check(weight?.length === 2, "embed", "shape of weight", "[vocabulary, hidden]", weight ?? "nothing");
    optionalNumber("embed", attributes, "scale");
    return [["T", weight[1]!]];
  },
  reference({ weights, outputs, batch, attributes }) {
    const { data: table, shape } = weights[0]!;
    const out = outputs[0]!.data;
    const scale = optionalNumber("embed", attributes, "scale");
    const [vocabulary, hidden] = [shape[0]!, shape[1]!];
    for (let t = 0; t < batch.tokenIds.length; t++) {
      const id = batch.tokenIds[t]!;
      check(id >= 0 && id < vocabulary, "embed", "token id", `0 to ${vocabulary - 1}`, id);
      for (let i = 0; i < hidden; i++) {
        const value = table[id * hidden + i]!;
        out[t * hidden + i] = scale === undefined ? value : value * Math.fround(scale);
      }
    }
  },
};
