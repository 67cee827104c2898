import { check, checkCounts, flagAttribute, numberAttribute, optionalNumber, width } from "./check.ts";
import type { OpDefinition } from "./definition.ts";

/**
 * y = x / sqrt(mean(x²) + epsilon) · weight, over each group of `groupSize` values (default: the whole row), with one
 * weight [groupSize] for all groups (per-head q/k norm: groupSize = headDim). `unitOffset`: weight counts from 1 (Gemma).
 *
 * Where activations are bfloat16, x / sqrt(…) is rounded before the product with the weight; not with `unitOffset` or
 * `roundOnce` (OLMo 2). `roundInput`: a float32 x is rounded first (Mamba).
 *
 * Source: Zhang and Sennrich 2019, "Root Mean Square Layer Normalization".
 */
export const rmsNorm: OpDefinition = {
  name: "rms_norm",
  shapes(inputs, weights, attributes) {
    checkCounts("rms_norm", inputs, 1, weights, 1);
    const k = width("rms_norm", "x", inputs[0]!);
    const size = optionalNumber("rms_norm", attributes, "groupSize") ?? k;
    check(Number.isInteger(size) && size > 0 && k % size === 0, "rms_norm", "attribute `groupSize`", `a divisor of ${k}`, size);
    const weight = weights[0];
    check(weight === undefined || (weight.length === 1 && weight[0] === size), "rms_norm", "shape of weight", [size], weight);
    numberAttribute("rms_norm", attributes, "epsilon");
    flagAttribute("rms_norm", attributes, "unitOffset");
    return [[...inputs[0]!]];
  },
  reference({ inputs, weights, outputs, attributes, round }) {
    const { data: x, shape } = inputs[0]!;
    const weight = weights[0]?.data;
    const y = outputs[0]!.data;
    const size = optionalNumber("rms_norm", attributes, "groupSize") ?? shape.at(-1)!;
    const epsilon = numberAttribute("rms_norm", attributes, "epsilon");
    const unit = flagAttribute("rms_norm", attributes, "unitOffset") ? 1 : 0;
    const once = unit === 1 || flagAttribute("rms_norm", attributes, "roundOnce");
    const given = flagAttribute("rms_norm", attributes, "roundInput") ? x.map((value) => round(value)) : x;
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
};
