import { check, checkCounts, checkRows, checkVector } from "./check.ts";
import { defineOp } from "./definition.ts";

/**
 * A filter of its own for each channel, over this token and those before it: x [T, C], weights kernel [C, 1, K] and bias [C]
 * (may be absent) -> [T, C], y[t, c] = bias[c] + Σ kernel[c, 0, k] · x[t − K + 1 + k, c]. What came before a sequence is 0.
 *
 * The slot part holds the last K − 1 rows of x, the oldest first (one unused row when K is 1).
 */
export const causalConvolution = defineOp({
  name: "causal_convolution",
  shapes(inputs, weights) {
    checkCounts("causal_convolution", inputs, 1, weights, 2);
    const channels = checkRows("causal_convolution", "x", inputs[0]!);
    const kernel = weights[0];
    const fits = kernel?.length === 3 && kernel[0] === channels && kernel[1] === 1;
    check(fits, "causal_convolution", "shape of kernel", `[${channels}, 1, size]`, kernel ?? "nothing");
    checkVector("causal_convolution", "bias", weights[1], channels);
    return [[...inputs[0]!]];
  },
  reference({ inputs, weights, outputs, state, batch }) {
    const { data: x, shape } = inputs[0]!;
    const y = outputs[0]!.data;
    const [channels, size] = [shape[1]!, weights[0]!.shape[2]!];
    const [kernel, bias] = [weights[0]!.data, weights[1]?.data];
    const part = state[0]!;
    const before = size - 1;
    for (let sequence = 0; sequence < batch.promptLength.length; sequence++) {
      const [start, end] = [batch.sequenceStart[sequence]!, batch.sequenceStart[sequence + 1]!];
      const rows = new Float32Array((before + end - start) * channels);
      rows.set(part.read(sequence, 0).subarray(0, before * channels));
      rows.set(x.subarray(start * channels, end * channels), before * channels);
      for (let t = 0; t < end - start; t++) {
        for (let c = 0; c < channels; c++) {
          let sum = bias ? bias[c]! : 0;
          for (let k = 0; k < size; k++) sum += kernel[c * size + k]! * rows[(t + k) * channels + c]!;
          y[(start + t) * channels + c] = sum;
        }
      }
      const kept = new Float32Array(part.width);
      kept.set(rows.subarray((end - start) * channels));
      part.write(sequence, 0, kept);
    }
  },
});
