import { check, checkCounts, checkRows, checkVector } from "./check.ts";
import { defineOp } from "./definition.ts";
import { softplus } from "./softplus.ts";

/**
 * Mamba's state space: x and delta [T, C], b and c [T, N], weights aLog [C, N] and d [C] -> [T, C]. Token by token, for
 * each channel, with step = softplus(delta): state = exp(−exp(aLog) · step) · state + step · b · x, and
 * y = state · c + d · x. The slot part holds the state, [C, N], 0 before a sequence.
 *
 * Source: Gu and Dao 2023, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces".
 */
export const selectiveScan = defineOp({
  name: "selective_scan",
  shapes(inputs, weights) {
    checkCounts("selective_scan", inputs, 4, weights, 2);
    const channels = checkRows("selective_scan", "x", inputs[0]!);
    checkRows("selective_scan", "delta", inputs[1]!, channels);
    const size = checkRows("selective_scan", "b", inputs[2]!);
    checkRows("selective_scan", "c", inputs[3]!, size);
    const aLog = weights[0];
    const fits = aLog?.length === 2 && aLog[0] === channels && aLog[1] === size;
    check(fits, "selective_scan", "shape of aLog", [channels, size], aLog ?? "nothing");
    check(weights[1] !== undefined, "selective_scan", "weight d", "there", "nothing");
    checkVector("selective_scan", "d", weights[1], channels);
    return [[...inputs[0]!]];
  },
  reference({ inputs, weights, outputs, state, batch, round }) {
    const [x, delta, b, c] = inputs.map(({ data }) => data) as [Float32Array, Float32Array, Float32Array, Float32Array];
    const y = outputs[0]!.data;
    const [channels, size] = weights[0]!.shape as [number, number];
    const [aLog, d] = [weights[0]!.data, weights[1]!.data];
    const part = state[0]!;
    for (let sequence = 0; sequence < batch.promptLength.length; sequence++) {
      const held = part.read(sequence, 0).slice();
      for (let t = batch.sequenceStart[sequence]!; t < batch.sequenceStart[sequence + 1]!; t++) {
        for (let channel = 0; channel < channels; channel++) {
          const at = t * channels + channel;
          const step = round(softplus(delta[at]!));
          let sum = 0;
          for (let n = 0; n < size; n++) {
            const i = channel * size + n;
            held[i] = Math.exp(-Math.exp(aLog[i]!) * step) * held[i]! + step * b[t * size + n]! * x[at]!;
            sum += round(held[i]!) * c[t * size + n]!;
          }
          y[at] = round(sum) + d[channel]! * x[at]!;
        }
      }
      part.write(sequence, 0, held);
    }
  },
});
