import { check, checkCounts, checkVector, width } from "./check.ts";
import { defineOp } from "./definition.ts";

/**
 * y = (x − mean) / sqrt(variance + epsilon) · weight + bias, over each group of `groupSize` values (default: the whole
 * row). Weight and bias may be absent; they are [groupSize] for all groups alike, or [groups, groupSize] (a norm of its
 * own for every head). `unitOffset`: the weight counts from 1 (Nemotron).
 *
 * Source: Ba, Kiros and Hinton 2016, "Layer Normalization".
 */
export const layerNorm = defineOp({
  name: "layer_norm",
  attributes: {
    epsilon: { kind: "number" },
    groupSize: { kind: "count", optional: true },
    unitOffset: { kind: "flag" },
  },
  shapes(inputs, weights, attributes) {
    checkCounts("layer_norm", inputs, 1, weights, 2);
    const k = width("layer_norm", "x", inputs[0]!);
    const { groupSize: size = k } = attributes;
    check(k % size === 0, "layer_norm", "attribute `groupSize`", `a divisor of ${k}`, size);
    for (const [what, shape] of [["weight", weights[0]] as const, ["bias", weights[1]] as const]) {
      if (shape?.length !== 2) checkVector("layer_norm", what, shape, size);
      else check(shape.join() === `${k / size},${size}`, "layer_norm", `shape of ${what}`, [k / size, size], shape);
    }
    return [[...inputs[0]!]];
  },
  reference({ inputs, weights, outputs, attributes, round }) {
    const { data: x, shape } = inputs[0]!;
    const [weight, bias] = [weights[0]?.data, weights[1]?.data];
    const y = outputs[0]!.data;
    const { groupSize: size = shape.at(-1)!, epsilon } = attributes;
    const offset = attributes.unitOffset ? 1 : 0;
    for (let start = 0; start < x.length; start += size) {
      let mean = 0;
      for (let i = 0; i < size; i++) mean += x[start + i]!;
      mean /= size;
      let variance = 0;
      for (let i = 0; i < size; i++) variance += (x[start + i]! - mean) ** 2;
      const inverse = 1 / Math.sqrt(variance / size + epsilon);
      for (let i = 0; i < size; i++) {
        const normal = (x[start + i]! - mean) * inverse;
        const scaled = weight
          ? normal * (offset ? round(weight[(start + i) % weight.length]! + offset) : weight[(start + i) % weight.length]!)
          : normal;
        y[start + i] = scaled + (bias ? bias[(start + i) % bias.length]! : 0);
      }
    }
  },
});
