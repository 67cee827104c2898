import { check, checkCounts, checkRows } from "./check.ts";
import { defineOp } from "./definition.ts";

/**
 * Writes this step's rows into parts of a paged state: inputs k [T, keyWidth] and v [T, valueWidth], state parts
 * [key, value], at each token's position of its sequence. No outputs.
 */
export const store = defineOp({
  name: "store",
  shapes(inputs, weights) {
    checkCounts("store", inputs, 2, weights, 0);
    checkRows("store", "k", inputs[0]!);
    checkRows("store", "v", inputs[1]!);
    return [];
  },
  reference({ inputs, state, batch }) {
    check(state.length === inputs.length, "store", "number of state parts", inputs.length, state.length);
    inputs.forEach(({ data }, index) => {
      const part = state[index]!;
      for (let sequence = 0; sequence < batch.promptLength.length; sequence++) {
        for (let t = batch.sequenceStart[sequence]!; t < batch.sequenceStart[sequence + 1]!; t++) {
          part.write(sequence, batch.positions[t]!, data.subarray(t * part.width, (t + 1) * part.width));
        }
      }
    });
  },
});
