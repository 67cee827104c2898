import { check, checkCounts, checkVector, flagAttribute, numberAttribute, optionalNumber, width } from "./check.ts";
import type { OpDefinition } from "./definition.ts";

/**
 * y = (x − mean) / sqrt(variance + epsilon) · weight + bias, over each group of `groupSize` values (default: the whole
 * row). Weight and bias may be absent; they are [groupSize] for all groups alike, or [groups, groupSize] (a norm of its
 * own for every head). `unitOffset`: the weight counts from 1 (Nemotron).
 *
 * Source: Ba, Kiros and Hinton 2016, "Layer Normalization".
 */
export const layerNorm: OpDefinition = {
  name: "layer_norm",
  shapes(inputs, weights, attributes) {
    checkCounts("layer_norm", inputs, 1, weights, 2);
    const k = width("layer_norm", "x", inputs[0]!);
    const size = optionalNumber("layer_norm", attributes, "groupSize") ?? k;
    check(
      Number.isInteger(size) && size > 0 && k % size === 0,
      "layer_norm",
      "attribute `groupSize`",
      `a divisor of ${k}`,
      size,
    );
    for (const [what, shape] of [["weight", weights[0]] as const, ["bias", weights[1]] as const]) {
      if (shape?.length !== 2) checkVector("layer_norm", what, shape, size);
      else check(shape.join() === `${k / size},${size}`, "layer_norm", `shape of ${what}`, [k / size, size], shape);
    }
    numberAttribute("layer_norm", attributes, "epsilon");
    flagAttribute("layer_norm", attributes, "unitOffset");
    return [[...inputs[0]!]];
  },
  reference({ inputs, weights, outputs, attributes, round }) {
    const { data: x, shape } = inputs[0]!;
    const [weight, bias] = [weights[0]?.data, weights[1]?.data];
    const y = outputs[0]!.data;
    const size = optionalNumber("layer_norm", attributes, "groupSize") ?? shape.at(-1)!;
    const epsilon = numberAttribute("layer_norm", attributes, "epsilon");
    const offset = flagAttribute("layer_norm", attributes, "unitOffset") ? 1 : 0;
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
};
