import { check, checkCounts, checkRows } from "./check.ts";
import { defineOp } from "./definition.ts";

/**
 * A sum of values with weights of each token: inputs weights [T, W], then any number of x [T, H] -> [T, H].
 *
 * y = Σ (weights[first + i] + offset) · xᵢ, in order of i. `offset` is 0 when it is absent.
 *
 * Source: Baykal et al. 2023, "Alternating Updates for Efficient Transformers" (AltUp), as Gemma 3n has it.
 */
export const weightedSum = defineOp({
  name: "weighted_sum",
  attributes: {
    first: { kind: "index" },
    offset: { kind: "number", default: 0 },
  },
  shapes(inputs, weights, attributes) {
    check(inputs.length >= 2, "weighted_sum", "number of inputs", "at least 2", inputs.length);
    checkCounts("weighted_sum", inputs, inputs.length, weights, 0);
    const given = checkRows("weighted_sum", "weights", inputs[0]!);
    const width = checkRows("weighted_sum", "x", inputs[1]!);
    for (const shape of inputs.slice(2)) checkRows("weighted_sum", "x", shape, width);
    const rows = inputs.find((shape) => shape[0] !== inputs[0]![0]);
    check(rows === undefined, "weighted_sum", "rows of x", inputs[0]![0], rows?.[0]);
    const { first } = attributes;
    check(first + inputs.length - 1 <= given, "weighted_sum", "last weight", `at most ${given}`, first + inputs.length - 1);
    return [[...inputs[1]!]];
  },
  reference({ inputs, outputs, attributes, round }) {
    const [weights, ...values] = inputs;
    const { first, offset } = attributes;
    const [given, width] = [weights!.shape[1]!, outputs[0]!.shape[1]!];
    const y = outputs[0]!.data;
    for (let at = 0; at < y.length; at++) {
      const row = Math.floor(at / width);
      let sum = 0;
      values.forEach(({ data }, i) => {
        sum += round(Math.fround(weights!.data[row * given + first + i]! + offset)) * data[at]!;
      });
      y[at] = sum;
    }
  },
});
