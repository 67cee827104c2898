import { check, checkCounts, width } from "./check.ts";
import { defineOp } from "./definition.ts";

/**
 * y = x / sqrt(mean(x²) + epsilon) · weight, over each group of `groupSize` values (default: the whole row), with one
 * weight [groupSize] for all groups (per-head q/k norm: groupSize = headDim). `unitOffset`: weight counts from 1 (Gemma).
 *
 * Where activations are bfloat16, x / sqrt(…) is rounded before the product with the weight; not with `unitOffset` or
 * `roundOnce` (OLMo 2). `roundInput`: a float32 x is rounded first (Mamba).
 *
 * Source: Zhang and Sennrich 2019, "Root Mean Square Layer Normalization".
 */
export const rmsNorm = defineOp({
  name: "rms_norm",
  attributes: {
    epsilon: { kind: "number" },
    groupSize: { kind: "count", optional: true },
    unitOffset: { kind: "flag" },
    roundOnce: { kind: "flag" },
    roundInput: { kind: "flag" },
  },
  shapes(inputs, weights, attributes) {
    checkCounts("rms_norm", inputs, 1, weights, 1);
    const k = width("rms_norm", "x", inputs[0]!);
    const { groupSize: size = k } = attributes;
    check(k % size === 0, "rms_norm", "attribute `groupSize`", `a divisor of ${k}`, size);
    const weight = weights[0];
    check(weight === undefined || (weight.length === 1 && weight[0] === size), "rms_norm", "shape of weight", [size], weight);
    return [[...inputs[0]!]];
  },
  reference({ inputs, weights, outputs, attributes, round }) {
    const { data: x, shape } = inputs[0]!;
    const weight = weights[0]?.data;
    const y = outputs[0]!.data;
    const { groupSize: size = shape.at(-1)!, epsilon } = attributes;
    const unit = attributes.unitOffset ? 1 : 0;
    const once = attributes.unitOffset || attributes.roundOnce;
    const given = attributes.roundInput ? x.map((value) => round(value)) : x;
    for (let start = 0; start < x.length; start += size) {
      let squares = 0;
      for (let i = 0; i < size; i++) squares += given[start + i]! * given[start + i]!;
      const inverse = 1 / Math.sqrt(squares / size + epsilon);
      for (let i = 0; i < size; i++) {
        const normal = Math.fround(given[start + i]! * inverse);
        y[start + i] = weight ? (once ? normal : round(normal)) * (weight[i]! + unit) : normal;
      }
    }
  },
});
