import { check, checkCounts, checkRows, sameShape } from "./check.ts";
import { defineOp } from "./definition.ts";

/**
 * x [T, H], made as large as another value of the same shape: x · rms(like) / √max(mean(x²), epsilon), row by row -> [T, H].
 *
 * Source: transformers' modeling_gemma3n.py.
 */
export const matchMagnitude = defineOp({
  name: "match_magnitude",
  attributes: {
    epsilon: { kind: "number" },
  },
  shapes(inputs, weights) {
    checkCounts("match_magnitude", inputs, 2, weights, 0);
    checkRows("match_magnitude", "x", inputs[0]!);
    check(sameShape(inputs[0]!, inputs[1]!), "match_magnitude", "shape of like", inputs[0], inputs[1]);
    return [[...inputs[0]!]];
  },
  reference({ inputs, outputs, attributes, round }) {
    const [x, like] = [inputs[0]!.data, inputs[1]!.data];
    const y = outputs[0]!.data;
    const { epsilon } = attributes;
    const width = inputs[0]!.shape[1]!;
    for (let start = 0; start < x.length; start += width) {
      const target = round(Math.sqrt(meanSquare(like, start, width, round)));
      const size = round(Math.sqrt(Math.max(meanSquare(x, start, width, round), round(epsilon))));
      for (let i = start; i < start + width; i++) y[i] = round(Math.fround(x[i]! * Math.fround(target))) / Math.fround(size);
    }
  },
});

function meanSquare(values: Float32Array, start: number, count: number, round: (value: number) => number): number {
  let sum = 0;
  for (let i = start; i < start + count; i++) sum += round(values[i]! * values[i]!);
  return round(sum / count);
}
