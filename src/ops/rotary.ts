import type { AttributeValues } from "./attributes.ts";
import { check, checkCounts, checkRows } from "./check.ts";
import { defineOp } from "./definition.ts";
import { checkTurning, cosinesAndSines, turningAttributes } from "./rotary-table.ts";

const attributes = {
  heads: { kind: "count" },
  headDim: { kind: "count" },
  interleaved: { kind: "flag" },
  unrounded: { kind: "name", names: ["products", "all"], optional: true },
  ...turningAttributes,
} as const;

/**
 * Rotary position embedding of x [T, heads * headDim]: in each head, the first `rotaryDim` values turn in pairs.
 *
 * Pair i (of rotaryDim / 2) is (x[i], x[i + rotaryDim / 2]), or (x[2i], x[2i + 1]) when `interleaved`. It turns by
 * angle = float32(position * frequencies[i]); sine and cosine are float32 and multiplied by `scaling` (yarn's attention
 * factor, 1 otherwise).
 *
 * `dynamicBase`, `dynamicFactor`, `dynamicOriginalLength` (all or none) are dynamic NTK: with
 * length = max(promptLength of the sequence, position + 1) + its rotaryLead, a length above dynamicOriginalLength turns with
 * base = dynamicBase · (factor · length / originalLength − (factor − 1)) ^ (rotaryDim / (rotaryDim − 2)) instead of
 * `frequencies`.
 *
 * `longFrequencies` and `longLength` (both or none) are longrope: a length, counted as above, of more than longLength turns
 * with longFrequencies.
 *
 * Source: Su et al. 2021, "RoFormer"; pairs and float32 steps as transformers' apply_rotary_pos_emb.
 */
export const rotary = defineOp({
  name: "rotary",
  attributes,
  shapes(inputs, weights, attributes) {
    checkCounts("rotary", inputs, 1, weights, 0);
    const { heads, headDim, rotaryDim } = attributes;
    checkRows("rotary", "x", inputs[0]!, heads * headDim);
    check(rotaryDim <= headDim, "rotary", "attribute `rotaryDim`", `at most ${headDim}`, rotaryDim);
    checkTurning("rotary", attributes);
    return [[...inputs[0]!]];
  },
  table: (attributes) => ({
    op: "rotary_table",
    attributes: {
      ...Object.fromEntries(Object.keys(turningAttributes).map((name) => [name, attributes[name as TurningName]])),
      unrounded: attributes.unrounded === "all",
    },
  }),
  reference({ inputs, outputs, attributes, batch, round }) {
    const { heads, headDim, rotaryDim, interleaved, unrounded } = attributes;
    const tableRound = unrounded === "all" ? (value: number) => value : round;
    const part = unrounded === undefined ? round : (value: number) => value;
    const x = inputs[0]!.data;
    const y = outputs[0]!.data;
    const half = rotaryDim / 2;
    const table = cosinesAndSines(attributes, batch, tableRound);
    y.set(x);
    for (let t = 0; t < batch.positions.length; t++) {
      for (let i = 0; i < half; i++) {
        const cosine = table[t * rotaryDim + i]!;
        const sine = table[t * rotaryDim + half + i]!;
        for (let head = 0; head < heads; head++) {
          const start = (t * heads + head) * headDim;
          const first = start + (interleaved ? 2 * i : i);
          const second = interleaved ? first + 1 : first + half;
          y[first] = part(x[first]! * cosine) - part(x[second]! * sine);
          y[second] = part(x[second]! * cosine) + part(x[first]! * sine);
        }
      }
    }
  },
});

type TurningName = keyof AttributeValues<typeof turningAttributes>;
