import type { AttributeValues } from "./attributes.ts";
import { check, checkCounts } from "./check.ts";
import { defineOp, type ReferenceBatch } from "./definition.ts";

/** What says how far each pair of values turns; ops/rotary.ts documents it. */
export const turningAttributes = {
  rotaryDim: { kind: "count" },
  frequencies: { kind: "numbers" },
  scaling: { kind: "number" },
  dynamicBase: { kind: "number", optional: true },
  dynamicFactor: { kind: "number", optional: true },
  dynamicOriginalLength: { kind: "number", optional: true },
  longFrequencies: { kind: "numbers", optional: true },
  longLength: { kind: "count", optional: true },
} as const;

type Turning = AttributeValues<typeof turningAttributes>;

const dynamicNames = ["dynamicBase", "dynamicFactor", "dynamicOriginalLength"] as const;

/** Throws unless the attributes belong together. */
export function checkTurning(op: string, attributes: Turning): void {
  const { rotaryDim, frequencies, longFrequencies, longLength } = attributes;
  check(rotaryDim % 2 === 0, op, "attribute `rotaryDim`", "even", rotaryDim);
  check(frequencies.length === rotaryDim / 2, op, "number of frequencies", rotaryDim / 2, frequencies.length);
  const dynamic = dynamicNames.filter((name) => attributes[name] !== undefined);
  check(dynamic.length === 0 || dynamic.length === 3, op, "dynamic attributes", dynamicNames, dynamic);
  if (longFrequencies === undefined && longLength === undefined) return;
  check(longLength !== undefined, op, "attribute `longLength`", "there with longFrequencies", "nothing");
  const long = longFrequencies?.length ?? 0;
  check(long === rotaryDim / 2, op, "number of longFrequencies", rotaryDim / 2, long);
}

/**
 * Cosines, then sines, of the angles that each token turns by -> [T, rotaryDim], times `scaling`. Where activations are
 * bfloat16 they are rounded, but not with `unrounded`. A backend may compute it once for all `rotary` ops that turn alike.
 */
export const rotaryTable = defineOp({
  name: "rotary_table",
  attributes: { ...turningAttributes, unrounded: { kind: "flag" } },
  shapes(inputs, weights, attributes) {
    checkCounts("rotary_table", inputs, 0, weights, 0);
    checkTurning("rotary_table", attributes);
    return [["T", attributes.rotaryDim]];
  },
  reference({ outputs, attributes, batch, round }) {
    outputs[0]!.data.set(cosinesAndSines(attributes, batch, attributes.unrounded ? (value) => value : round));
  },
});

/** [T, rotaryDim]: cosines, then sines, each in float32 steps. */
export function cosinesAndSines(turning: Turning, batch: ReferenceBatch, round: (value: number) => number): Float32Array {
  const { rotaryDim } = turning;
  const scaling = Math.fround(turning.scaling);
  const half = rotaryDim / 2;
  const table = new Float32Array(batch.positions.length * rotaryDim);
  for (let sequence = 0; sequence < batch.promptLength.length; sequence++) {
    for (let t = batch.sequenceStart[sequence]!; t < batch.sequenceStart[sequence + 1]!; t++) {
      const position = batch.positions[t]!;
      const lead = batch.rotaryLead?.[sequence] ?? 0;
      const frequencies = frequenciesAt(turning, Math.max(batch.promptLength[sequence]!, position + 1) + lead);
      for (let i = 0; i < half; i++) {
        const angle = Math.fround(position * Math.fround(frequencies[i]!));
        table[t * rotaryDim + i] = round(Math.fround(Math.fround(Math.cos(angle)) * scaling));
        table[t * rotaryDim + half + i] = round(Math.fround(Math.fround(Math.sin(angle)) * scaling));
      }
    }
  }
  return table;
}

/** Frequencies (float32 values) that a token turns with when its sequence has this length. */
export function frequenciesAt(turning: Turning, length: number): readonly number[] {
  const { frequencies, longFrequencies, longLength, rotaryDim: dim } = turning;
  const { dynamicBase: base, dynamicFactor: factor, dynamicOriginalLength: original } = turning;
  if (longFrequencies !== undefined && longLength !== undefined && length > longLength) return longFrequencies;
  if (base === undefined || factor === undefined || original === undefined || length <= original) return frequencies;
  const ratio = Math.fround(Math.fround(Math.fround(factor * length) / original) - (factor - 1));
  const grown = Math.fround(base * Math.fround(ratio ** (dim / (dim - 2))));
  return Array.from({ length: dim / 2 }, (_, i) => Math.fround(1 / Math.fround(grown ** Math.fround((2 * i) / dim))));
}
