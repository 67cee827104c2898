import { check, checkCounts, checkRows, checkVector } from "./check.ts";
import { defineOp } from "./definition.ts";
import { softplus } from "./softplus.ts";

/** Added to the sum of the squares of a query's or key's values, before the root. */
const epsilon = 1e-6;

/**
 * The gated delta rule: a matrix for each head that forgets, and unlearns what it held of a key before it learns its value.
 *
 * Inputs mixed [T, 2 · keyHeads · keyHeadDim + valueHeads · valueHeadDim] (queries, keys, values), a and b [T, valueHeads];
 * weights aLog and stepBias [valueHeads] -> [T, valueHeads · valueHeadDim]. Value head h reads key head
 * floor(h / (valueHeads / keyHeads)); queries and keys are divided by their length, queries by √keyHeadDim too. Token by
 * token: S = exp(−exp(aLog) · softplus(a + stepBias)) · S; S += k ⊗ (sigmoid(b) · (v − Sᵀk)); y = Sᵀq. The slot part holds
 * S, [valueHeads, keyHeadDim, valueHeadDim], 0 before a sequence.
 *
 * Source: Yang et al. 2024, "Gated Delta Networks"; transformers' torch_recurrent_gated_delta_rule.
 */
export const gatedDelta = defineOp({
  name: "gated_delta",
  attributes: {
    keyHeads: { kind: "count" },
    valueHeads: { kind: "count" },
    keyHeadDim: { kind: "count" },
    valueHeadDim: { kind: "count" },
  },
  shapes(inputs, weights, attributes) {
    checkCounts("gated_delta", inputs, 3, weights, 2);
    const { keyHeads, valueHeads, keyHeadDim: keyDim, valueHeadDim: valueDim } = attributes;
    check(valueHeads % keyHeads === 0, "gated_delta", "attribute `valueHeads`", `a multiple of ${keyHeads}`, valueHeads);
    checkRows("gated_delta", "mixed", inputs[0]!, 2 * keyHeads * keyDim + valueHeads * valueDim);
    checkRows("gated_delta", "a", inputs[1]!, valueHeads);
    checkRows("gated_delta", "b", inputs[2]!, valueHeads);
    for (const [index, name] of ["aLog", "stepBias"].entries()) {
      check(weights[index] !== undefined, "gated_delta", `weight ${name}`, "there", "nothing");
      checkVector("gated_delta", name, weights[index], valueHeads);
    }
    return [[inputs[0]![0]!, valueHeads * valueDim]];
  },
  reference({ inputs, weights, outputs, state, attributes, batch, round }) {
    const { keyHeads, valueHeads, keyHeadDim: keyDim, valueHeadDim: valueDim } = attributes;
    const [mixed, a, b] = inputs.map(({ data }) => data) as [Float32Array, Float32Array, Float32Array];
    const [aLog, stepBias] = [weights[0]!.data, weights[1]!.data];
    const y = outputs[0]!.data;
    const width = 2 * keyHeads * keyDim + valueHeads * valueDim;
    const part = state[0]!;
    for (let sequence = 0; sequence < batch.promptLength.length; sequence++) {
      const held = part.read(sequence, 0).slice();
      for (let t = batch.sequenceStart[sequence]!; t < batch.sequenceStart[sequence + 1]!; t++) {
        for (let head = 0; head < valueHeads; head++) {
          const keyHead = Math.floor(head / (valueHeads / keyHeads));
          const vectorAt = (start: number, size: number) => mixed.subarray(t * width + start, t * width + start + size);
          const query = unit(vectorAt(keyHead * keyDim, keyDim), 1 / Math.sqrt(keyDim));
          const key = unit(vectorAt((keyHeads + keyHead) * keyDim, keyDim), 1);
          const value = vectorAt(2 * keyHeads * keyDim + head * valueDim, valueDim);
          const matrix = held.subarray(head * keyDim * valueDim, (head + 1) * keyDim * valueDim);
          const decay = Math.exp(-Math.exp(aLog[head]!) * softplus(a[t * valueHeads + head]! + stepBias[head]!));
          const share = round(1 / (1 + Math.exp(-b[t * valueHeads + head]!)));
          for (let j = 0; j < valueDim; j++) {
            let known = 0;
            for (let i = 0; i < keyDim; i++) {
              matrix[i * valueDim + j]! *= decay;
              known += matrix[i * valueDim + j]! * key[i]!;
            }
            const change = share * (value[j]! - known);
            let sum = 0;
            for (let i = 0; i < keyDim; i++) {
              matrix[i * valueDim + j]! += key[i]! * change;
              sum += matrix[i * valueDim + j]! * query[i]!;
            }
            y[(t * valueHeads + head) * valueDim + j] = sum;
          }
        }
      }
      part.write(sequence, 0, held);
    }
  },
});

/** A vector divided by its length, times `factor`. */
function unit(vector: Float32Array, factor: number): Float32Array {
  let squares = epsilon;
  for (const value of vector) squares += value * value;
  return vector.map((value) => (value / Math.sqrt(squares)) * factor);
}
