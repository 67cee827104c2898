import { check, checkCounts, checkRows, countAttribute, flagAttribute, numberAttribute, optionalNumber } from "./check.ts";
import type { OpDefinition } from "./definition.ts";
import type { Attributes } from "./program.ts";

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
export const rotary: OpDefinition = {
  name: "rotary",
  shapes(inputs, weights, attributes) {
    checkCounts("rotary", inputs, 1, weights, 0);
    const [heads, headDim, rotaryDim] = ["heads", "headDim", "rotaryDim"].map((n) => countAttribute("rotary", attributes, n));
    checkRows("rotary", "x", inputs[0]!, heads! * headDim!);
    check(
      rotaryDim! % 2 === 0 && rotaryDim! <= headDim!,
      "rotary",
      "attribute `rotaryDim`",
      `even, at most ${headDim}`,
      rotaryDim,
    );
    check(
      frequencies(attributes).length === rotaryDim! / 2,
      "rotary",
      "number of frequencies",
      rotaryDim! / 2,
      frequencies(attributes).length,
    );
    numberAttribute("rotary", attributes, "scaling");
    flagAttribute("rotary", attributes, "interleaved");
    const dynamic = dynamicNames.filter((name) => optionalNumber("rotary", attributes, name) !== undefined);
    check(dynamic.length === 0 || dynamic.length === 3, "rotary", "dynamic attributes", dynamicNames, dynamic);
    if (attributes.longFrequencies !== undefined || attributes.longLength !== undefined) {
      countAttribute("rotary", attributes, "longLength");
      const long = frequencies(attributes, "longFrequencies").length;
      check(long === rotaryDim! / 2, "rotary", "number of longFrequencies", rotaryDim! / 2, long);
    }
    return [[...inputs[0]!]];
  },
  reference({ inputs, outputs, attributes, batch, round }) {
    const wide = attributes.wide !== undefined;
    const table = attributes.wide === "all" ? (x: number) => x : round;
    const part = wide ? (x: number) => x : round;
    const x = inputs[0]!.data;
    const y = outputs[0]!.data;
    const [heads, headDim, rotaryDim] = ["heads", "headDim", "rotaryDim"].map((n) => countAttribute("rotary", attributes, n));
    const scaling = Math.fround(numberAttribute("rotary", attributes, "scaling"));
    const interleaved = flagAttribute("rotary", attributes, "interleaved");
    const half = rotaryDim! / 2;
    y.set(x);
    for (let sequence = 0; sequence < batch.promptLength.length; sequence++) {
      for (let t = batch.sequenceStart[sequence]!; t < batch.sequenceStart[sequence + 1]!; t++) {
        const position = batch.positions[t]!;
        const lead = batch.rotaryLead?.[sequence] ?? 0;
        const turning = frequenciesAt(attributes, Math.max(batch.promptLength[sequence]!, position + 1) + lead);
        for (let i = 0; i < half; i++) {
          const angle = Math.fround(position * Math.fround(turning[i]!));
          const cosine = table(Math.fround(Math.fround(Math.cos(angle)) * scaling));
          const sine = table(Math.fround(Math.fround(Math.sin(angle)) * scaling));
          for (let head = 0; head < heads!; head++) {
            const start = (t * heads! + head) * headDim!;
            const first = start + (interleaved ? 2 * i : i);
            const second = interleaved ? first + 1 : first + half;
            y[first] = part(x[first]! * cosine) - part(x[second]! * sine);
            y[second] = part(x[second]! * cosine) + part(x[first]! * sine);
          }
        }
      }
    }
  },
};

const dynamicNames = ["dynamicBase", "dynamicFactor", "dynamicOriginalLength"] as const;

function frequencies(attributes: Attributes, name = "frequencies"): readonly number[] {
  const given = attributes[name];
  check(Array.isArray(given), "rotary", `attribute \`${name}\``, "a list of numbers", given);
  return given as readonly number[];
}

/** Frequencies (float32 values) that a token turns with when its sequence has this length. */
export function frequenciesAt(attributes: Attributes, length: number): readonly number[] {
  const longLength = optionalNumber("rotary", attributes, "longLength");
  if (longLength !== undefined && length > longLength) return frequencies(attributes, "longFrequencies");
  const base = optionalNumber("rotary", attributes, "dynamicBase");
  if (base === undefined) return frequencies(attributes);
  const factor = numberAttribute("rotary", attributes, "dynamicFactor");
  const original = numberAttribute("rotary", attributes, "dynamicOriginalLength");
  if (length <= original) return frequencies(attributes);
  const dim = numberAttribute("rotary", attributes, "rotaryDim");
  const ratio = Math.fround(Math.fround(Math.fround(factor * length) / original) - (factor - 1));
  const grown = Math.fround(base * Math.fround(ratio ** (dim / (dim - 2))));
  return Array.from({ length: dim / 2 }, (_, i) => Math.fround(1 / Math.fround(grown ** Math.fround((2 * i) / dim))));
}
