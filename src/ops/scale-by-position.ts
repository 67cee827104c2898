import { check, checkCounts, checkRows } from "./check.ts";
import { defineOp } from "./definition.ts";

/**
 * Each row of x [T, width] times 1 + strength · ln(1 + floor((position + offset) / length)): queries grow with every
 * `length` tokens of context, so that attention stays sharp. `countsPadding`: pads in front of the sequence count as
 * positions. Default: offset 0.
 *
 * Source: Nakanishi 2025, "Scalable-Softmax Is Superior for Attention", as Llama 4 and Ministral 3 do it.
 */
export const scaleByPosition = defineOp({
  name: "scale_by_position",
  attributes: {
    strength: { kind: "number" },
    length: { kind: "count" },
    offset: { kind: "index", default: 0 },
    countsPadding: { kind: "flag" },
    roundFactor: { kind: "flag" },
  },
  shapes(inputs, weights) {
    checkCounts("scale_by_position", inputs, 1, weights, 0);
    checkRows("scale_by_position", "x", inputs[0]!);
    check(inputs[0]![0] === "T", "scale_by_position", "rows of x", "T", inputs[0]![0]);
    return [[...inputs[0]!]];
  },
  reference({ inputs, outputs, batch, attributes, round }) {
    const { data: x, shape } = inputs[0]!;
    const { length, offset, countsPadding, roundFactor } = attributes;
    const strength = Math.fround(attributes.strength);
    for (let sequence = 0; sequence < batch.promptLength.length; sequence++) {
      const pads = (countsPadding && batch.padding?.[sequence]) || 0;
      for (let t = batch.sequenceStart[sequence]!; t < batch.sequenceStart[sequence + 1]!; t++) {
        const steps = Math.floor(Math.fround((batch.positions[t]! + pads + offset) / length));
        const given = Math.fround(Math.fround(Math.fround(Math.log1p(steps)) * strength) + 1);
        const factor = roundFactor ? round(given) : given;
        for (let i = t * shape[1]!; i < (t + 1) * shape[1]!; i++) outputs[0]!.data[i] = x[i]! * factor;
      }
    }
  },
});
