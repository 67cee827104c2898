import { check, checkCounts, checkRows, countAttribute, numberAttribute, optionalNumber } from "./check.ts";
import type { OpDefinition } from "./definition.ts";

/**
 * Causal attention of q [T, heads * headDim] over a paged state's parts [key, value] -> [T, heads * valueHeadDim].
 *
 * The token at position p reads positions max(0, p − window + 1) to p of its sequence (no `window`: 0 to p), itself
 * included, so `store` comes first. Query head h reads key/value head floor(h / (heads / keyValueHeads)).
 * score = q · k · scale, then tanh(score / softcap) · softcap when `softcap` is given; softmax in float32.
 *
 * Source: Vaswani et al. 2017; grouped queries: Ainslie et al. 2023, "GQA".
 */
export const attend: OpDefinition = {
  name: "attend",
  shapes(inputs, weights, attributes) {
    checkCounts("attend", inputs, 1, weights, 0);
    const [heads, keyValueHeads, headDim, valueHeadDim] = counts.map((name) => countAttribute("attend", attributes, name));
    checkRows("attend", "q", inputs[0]!, heads! * headDim!);
    check(
      heads! % keyValueHeads! === 0,
      "attend",
      "attribute `heads`",
      `a multiple of keyValueHeads (${keyValueHeads})`,
      heads,
    );
    numberAttribute("attend", attributes, "scale");
    optionalNumber("attend", attributes, "softcap");
    if (attributes.window !== undefined) countAttribute("attend", attributes, "window");
    return [[inputs[0]![0]!, heads! * valueHeadDim!]];
  },
  reference({ inputs, outputs, state, attributes, batch }) {
    const q = inputs[0]!.data;
    const out = outputs[0]!.data;
    const [heads, keyValueHeads, headDim, valueHeadDim] = counts.map((name) => countAttribute("attend", attributes, name));
    check(state.length === 2, "attend", "number of state parts", 2, state.length);
    const [keys, values] = [state[0]!, state[1]!];
    check(keys.width === keyValueHeads! * headDim!, "attend", "width of the key part", keyValueHeads! * headDim!, keys.width);
    check(
      values.width === keyValueHeads! * valueHeadDim!,
      "attend",
      "width of the value part",
      keyValueHeads! * valueHeadDim!,
      values.width,
    );
    const scale = Math.fround(numberAttribute("attend", attributes, "scale"));
    const softcap = optionalNumber("attend", attributes, "softcap");
    const window = optionalNumber("attend", attributes, "window") ?? Number.POSITIVE_INFINITY;
    const group = heads! / keyValueHeads!;

    for (let sequence = 0; sequence < batch.promptLength.length; sequence++) {
      for (let t = batch.sequenceStart[sequence]!; t < batch.sequenceStart[sequence + 1]!; t++) {
        const position = batch.positions[t]!;
        const first = Math.max(0, position - window + 1);
        const keyRows: Float32Array[] = [];
        const valueRows: Float32Array[] = [];
        for (let p = first; p <= position; p++) {
          keyRows.push(keys.read(sequence, p));
          valueRows.push(values.read(sequence, p));
        }
        const scores = new Float32Array(keyRows.length);
        for (let head = 0; head < heads!; head++) {
          const query = (t * heads! + head) * headDim!;
          const keyStart = Math.floor(head / group) * headDim!;
          let greatest = Number.NEGATIVE_INFINITY;
          for (let p = 0; p < keyRows.length; p++) {
            const key = keyRows[p]!;
            let dot = 0;
            for (let i = 0; i < headDim!; i++) dot += q[query + i]! * key[keyStart + i]!;
            const score = dot * scale;
            scores[p] = softcap === undefined ? score : Math.tanh(score / softcap) * softcap;
            greatest = Math.max(greatest, scores[p]!);
          }
          let total = 0;
          for (let p = 0; p < scores.length; p++) {
            scores[p] = Math.exp(scores[p]! - greatest);
            total += scores[p]!;
          }
          const sums = new Float64Array(valueHeadDim!);
          const valueStart = Math.floor(head / group) * valueHeadDim!;
          for (let p = 0; p < scores.length; p++) {
            const value = valueRows[p]!;
            const probability = scores[p]! / total;
            for (let i = 0; i < valueHeadDim!; i++) sums[i] = sums[i]! + probability * value[valueStart + i]!;
          }
          out.set(sums, (t * heads! + head) * valueHeadDim!);
        }
      }
    }
  },
};

const counts = ["heads", "keyValueHeads", "headDim", "valueHeadDim"] as const;
