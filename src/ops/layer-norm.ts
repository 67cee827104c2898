import { checkCounts, checkVector, numberAttribute, width } from "./check.ts";
import type { OpDefinition } from "./definition.ts";

/**
 * y = (x − mean) / sqrt(variance + epsilon) · weight + bias, over each row; weight and bias [K], either may be absent.
 *
 * Source: Ba, Kiros and Hinton 2016, "Layer Normalization".
 */
export const layerNorm: OpDefinition = {
  name: "layer_norm",
  shapes(inputs, weights, attributes) {
    checkCounts("layer_norm", inputs, 1, weights, 2);
    const k = width("layer_norm", "x", inputs[0]!);
    checkVector("layer_norm", "weight", weights[0], k);
    checkVector("layer_norm", "bias", weights[1], k);
    numberAttribute("layer_norm", attributes, "epsilon");
    return [[...inputs[0]!]];
  },
  reference({ inputs, weights, outputs, attributes }) {
    const { data: x, shape } = inputs[0]!;
    const [weight, bias] = [weights[0]?.data, weights[1]?.data];
    const y = outputs[0]!.data;
    const size = shape.at(-1)!;
    const epsilon = numberAttribute("layer_norm", attributes, "epsilon");
    for (let start = 0; start < x.length; start += size) {
      let mean = 0;
      for (let i = 0; i < size; i++) mean += x[start + i]!;
      mean /= size;
      let variance = 0;
      for (let i = 0; i < size; i++) variance += (x[start + i]! - mean) ** 2;
      const inverse = 1 / Math.sqrt(variance / size + epsilon);
      for (let i = 0; i < size; i++) {
        const normal = (x[start + i]! - mean) * inverse;
        y[start + i] = (weight ? normal * weight[i]! : normal) + (bias ? bias[i]! : 0);
      }
    }
  },
};
