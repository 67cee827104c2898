import { roundToBfloat16 } from "../tensor/convert.ts";
import type { AttributeValues } from "./attributes.ts";
import { check, checkCounts, checkRows, checkVector } from "./check.ts";
import { defineOp } from "./definition.ts";

const attributes = {
  heads: { kind: "count" },
  keyValueHeads: { kind: "count" },
  headDim: { kind: "count" },
  valueHeadDim: { kind: "count" },
  scale: { kind: "number" },
  window: { kind: "count", optional: true },
  chunk: { kind: "count", optional: true },
  softcap: { kind: "number", optional: true },
  slopes: { kind: "numbers", optional: true },
  roundedSlopes: { kind: "flag" },
  buckets: { kind: "numbers", optional: true },
  causal: { kind: "flag", default: true },
  unroundedScores: { kind: "flag" },
  scaleQuery: { kind: "flag" },
  fusedScores: { kind: "flag" },
} as const;

type AttendAttributes = AttributeValues<typeof attributes>;

/**
 * Attention of q [T, heads * headDim] over a paged or cross state's parts [key, value] -> [T, heads * valueHeadDim].
 *
 * The token at position p reads positions max(0, p − window + 1) to p of its sequence (no `window`: 0 to p), itself
 * included, so `store` comes first; with `chunk`, only positions of its own chunk of that many tokens, from
 * p − p mod chunk on. Query head h reads key/value head floor(h / (heads / keyValueHeads)).
 * score = q · k · scale, then tanh(score / softcap) · softcap when `softcap` is given, then − slopes[h] · (p − position of
 * the key) when `slopes` [heads] is given (ALiBi); softmax in float32. With `roundedSlopes` (Falcon) it is
 * + bfloat16(slopes[h] · bfloat16(position of the key)) · scale instead. The optional weight, sinks [heads], is one more
 * score of each head that takes its share of the softmax and has no value. The other optional weight, biases
 * [rows, heads], adds row `buckets[d + reach]` to the scores, d being the position of the key less p, held within ±reach;
 * `buckets` has 2 · reach + 1 entries (T5). `causal: false`: every token reads all that the state holds of its sequence.
 *
 * Where activations are bfloat16, everything is rounded as transformers' eager attention rounds it: products, scaled products,
 * the steps of `softcap`, probabilities. With `unroundedScores` scores are not; with `scaleQuery` the scale is of the query, which
 * is rounded; with `fusedScores` scores are rounded once, slopes[h] · position of the key (rounded) included.
 *
 * Source: Vaswani et al. 2017; grouped queries: Ainslie et al. 2023, "GQA"; slopes: Press et al. 2022, "Train Short, Test
 * Long"; sinks: Xiao et al. 2024, as gpt-oss learns them.
 */
export const attend = defineOp({
  name: "attend",
  attributes,
  parts: ({ keyValueHeads: heads, headDim, valueHeadDim }) => [
    { role: "key", heads, dim: headDim },
    { role: "value", heads, dim: valueHeadDim },
  ],
  shapes(inputs, weights, attributes) {
    checkCounts("attend", inputs, 1, weights, Math.min(weights.length, 2));
    const { heads, keyValueHeads, headDim, valueHeadDim, window, chunk, slopes, roundedSlopes, causal } = attributes;
    checkRows("attend", "q", inputs[0]!, heads * headDim);
    const isGrouped = heads % keyValueHeads === 0;
    check(isGrouped, "attend", "attribute `heads`", `a multiple of keyValueHeads (${keyValueHeads})`, heads);
    check(window === undefined || chunk === undefined, "attend", "`chunk`", "absent with a window", chunk);
    check(slopes === undefined || slopes.length === heads, "attend", "number of slopes", heads, slopes?.length);
    check(!roundedSlopes || slopes !== undefined, "attend", "attribute `slopes`", "there with roundedSlopes", slopes);
    checkRounding(attributes, weights[1] !== undefined);
    checkVector("attend", "sinks", weights[0], heads);
    checkBiases(weights[1], heads, attributes);
    const isLocal = window !== undefined || chunk !== undefined;
    check(causal || !isLocal, "attend", "`causal`", "true with a window or a chunk", causal);
    return [[inputs[0]![0]!, heads * valueHeadDim]];
  },
  reference({ inputs, outputs, weights, state, attributes, batch, round: rounding, rounds, onShares }) {
    const round = attributes.unroundedScores ? (value: number) => value : rounding;
    const q = inputs[0]!.data;
    const out = outputs[0]!.data;
    const { heads, keyValueHeads, headDim, valueHeadDim } = attributes;
    check(state.length === 2, "attend", "number of state parts", 2, state.length);
    const [keys, values] = [state[0]!, state[1]!];
    check(keys.width === keyValueHeads * headDim, "attend", "width of the key part", keyValueHeads * headDim, keys.width);
    check(
      values.width === keyValueHeads * valueHeadDim,
      "attend",
      "width of the value part",
      keyValueHeads * valueHeadDim,
      values.width,
    );
    const { softcap, window = Number.POSITIVE_INFINITY, chunk, slopes, roundedSlopes, causal } = attributes;
    const scale = Math.fround(attributes.scale);
    const early = attributes.scaleQuery && rounds;
    const fused = attributes.fusedScores && rounds;
    const sinks = weights[0]?.data;
    const biases = weights[1]?.data;
    const buckets = attributes.buckets ?? [];
    const reach = (buckets.length - 1) / 2;
    const group = heads / keyValueHeads;

    for (let sequence = 0; sequence < batch.promptLength.length; sequence++) {
      for (let t = batch.sequenceStart[sequence]!; t < batch.sequenceStart[sequence + 1]!; t++) {
        const position = batch.positions[t]!;
        const start = chunk === undefined ? Math.max(0, position - window + 1) : position - (position % chunk);
        const first = causal ? start : 0;
        const last = causal ? position : keys.length(sequence) - 1;
        const keyRows: Float32Array[] = [];
        const valueRows: Float32Array[] = [];
        for (let p = first; p <= last; p++) {
          keyRows.push(keys.read(sequence, p));
          valueRows.push(values.read(sequence, p));
        }
        const scores = new Float32Array(keyRows.length);
        for (let head = 0; head < heads; head++) {
          const query = (t * heads + head) * headDim;
          const keyStart = Math.floor(head / group) * headDim;
          const slope = slopes?.[head] ?? 0;
          let greatest = sinks?.[head] ?? Number.NEGATIVE_INFINITY;
          for (let p = 0; p < keyRows.length; p++) {
            const key = keyRows[p]!;
            let dot = 0;
            for (let i = 0; i < headDim; i++)
              dot += (early ? round(q[query + i]! * scale) : q[query + i]!) * key[keyStart + i]!;
            const product = fused ? dot : round(dot);
            const score = early ? product : roundedSlopes || fused ? product * scale : round(product * scale);
            const capped = softcap === undefined ? score : round(round(Math.tanh(round(score / softcap))) * softcap);
            if (fused) scores[p] = round(capped + round(slope * (first + p)));
            else if (roundedSlopes) scores[p] = round(capped + roundToBfloat16(slope * roundToBfloat16(first + p)) * scale);
            else scores[p] = slope === 0 ? capped : capped - slope * (position - first - p);
            if (biases) {
              const bucket = buckets[Math.max(-reach, Math.min(reach, first + p - position)) + reach]!;
              scores[p] = round(scores[p]! + biases[bucket * heads + head]!);
            }
            greatest = Math.max(greatest, scores[p]!);
          }
          let total = sinks ? Math.exp(round(sinks[head]! - greatest)) : 0;
          for (let p = 0; p < scores.length; p++) {
            scores[p] = Math.exp(sinks ? round(scores[p]! - greatest) : scores[p]! - greatest);
            total += scores[p]!;
          }
          onShares?.(
            t,
            head,
            first,
            scores.map((score) => rounding(Math.fround(score / total))),
          );
          const sums = new Float64Array(valueHeadDim);
          const valueStart = Math.floor(head / group) * valueHeadDim;
          for (let p = 0; p < scores.length; p++) {
            const value = valueRows[p]!;
            const probability = rounds ? rounding(Math.fround(scores[p]! / total)) : scores[p]! / total;
            for (let i = 0; i < valueHeadDim; i++) sums[i] = sums[i]! + probability * value[valueStart + i]!;
          }
          out.set(sums, (t * heads + head) * valueHeadDim);
        }
      }
    }
  },
});

/** Each says how scores are rounded, alone; and scores that are not rounded step by step have no step of a cap or of biases. */
function checkRounding(attributes: AttendAttributes, isBiased: boolean): void {
  const set = ["unroundedScores", "scaleQuery", "fusedScores", "roundedSlopes"].filter(
    (name) => attributes[name as keyof AttendAttributes] === true,
  );
  check(set.length < 2, "attend", `attribute \`${set[1]}\``, `absent with ${set[0]}`, true);
  const whole = set.find((name) => name === "unroundedScores" || name === "fusedScores");
  if (whole === undefined) return;
  check(attributes.softcap === undefined, "attend", "attribute `softcap`", `absent with ${whole}`, attributes.softcap);
  check(!isBiased, "attend", "biases", `absent with ${whole}`, "there");
}

function checkBiases(shape: readonly number[] | undefined, heads: number, attributes: AttendAttributes): void {
  const { buckets } = attributes;
  check((shape === undefined) === (buckets === undefined), "attend", "attribute `buckets`", "there with biases", buckets);
  if (shape === undefined || buckets === undefined) return;
  check(shape.length === 2 && shape[1] === heads, "attend", "shape of biases", ["rows", heads], shape);
  check(attributes.slopes === undefined, "attend", "attribute `slopes`", "absent with biases", attributes.slopes);
  check(buckets.length % 2 === 1, "attend", "number of buckets", "odd", buckets.length);
  const wrong = buckets.find((row) => !(Number.isInteger(row) && row >= 0 && row < shape[0]!));
  check(wrong === undefined, "attend", "a bucket", `0 to ${shape[0]! - 1}`, wrong);
}
