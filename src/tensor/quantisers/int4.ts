import { type CodeTable, codeTables } from "../code-layout.ts";
import { roundTo } from "../convert.ts";
import type { Quantiser } from "./quantiser.ts";

/** Scales that are tried for a group: its greatest value over the table's first, times these and minus these. */
const factors = Float32Array.from({ length: 9 }, (_, i) => 0.65 + 0.05 * i);
/** Sums run in so many lanes, which are added in ascending order at the end. */
const lanes = 16;
const { fround } = Math;

/**
 * Groups of 32 or 64 columns in 4 bits, with a float16 scale each: that of several which leaves the smallest squared error, fitted
 * by least squares to the codes that it gives. The one of `dtype: "int4"`. Parameters: `table`, "iq4nl" (16 values that stand
 * closer together near 0, llama.cpp's) or "int4" (-8 to 7), and `group`.
 */
export const int4: Quantiser = {
  name: "int4",
  layout: ({ table, group }) => ({
    bits: 4,
    group: group as number,
    table: table as CodeTable,
    scale: "float16",
    offset: "none",
    permuted: false,
  }),
  quantise(values, columns, { table, group: asked }) {
    const group = asked as number;
    const rows = values.length / columns;
    const groups = Math.ceil(columns / group);
    const codes = new Uint8Array(values.length);
    const scales = new Float32Array(rows * groups);
    const steps = stepsOf(codeTables[table as CodeTable]);
    for (let at = 0; at < rows * groups; at++) {
      const begin = Math.floor(at / groups) * columns + (at % groups) * group;
      const part = values.subarray(begin, Math.min(begin + group, (Math.floor(at / groups) + 1) * columns));
      scales[at] = quantiseGroup(part, steps, codes.subarray(begin, begin + part.length));
    }
    return { rows, columns, group, codes, scales: roundTo(scales, "float16") };
  },
};

interface Steps {
  /** The table's values, and the borders between them. */
  values: Float32Array;
  borders: Float32Array;
}

function stepsOf(values: Float32Array): Steps {
  return { values, borders: Float32Array.from({ length: 15 }, (_, i) => (values[i]! + values[i + 1]!) / 2) };
}

/** Writes the codes of a group, and gives its scale. */
function quantiseGroup(part: Float32Array, steps: Steps, codes: Uint8Array): number {
  let most = 0;
  for (const value of part) if (Math.abs(value) > Math.abs(most)) most = value;
  const base = fround(most / steps.values[0]!);
  let best = { gain: 0, scale: 0 };
  for (const sign of [1, -1]) {
    for (const factor of factors) {
      const fitted = fitCodes(part, steps, fround(fround(base * factor) * sign), codes);
      if (fitted.gain > best.gain) best = fitted;
    }
  }
  return fitCodes(part, steps, best.scale, codes).scale;
}

/** Codes by a scale, then the scale that suits them best, and by how much they lower the squared error. */
function fitCodes(
  part: Float32Array,
  { values, borders }: Steps,
  scale: number,
  codes: Uint8Array,
): { gain: number; scale: number } {
  const inverse = scale === 0 ? 0 : fround(1 / scale);
  const [products, squares] = [new Float32Array(lanes), new Float32Array(lanes)];
  part.forEach((value, i) => {
    const scaled = fround(value * inverse);
    let code = 0;
    for (const border of borders) if (scaled > border) code++;
    codes[i] = code;
    const near = values[code]!;
    products[i % lanes] = products[i % lanes]! + fround(near * value);
    squares[i % lanes] = squares[i % lanes]! + fround(near * near);
  });
  const sum = (numbers: Float32Array) => numbers.reduce((total, number) => fround(total + number), 0);
  const [product, square] = [sum(products), sum(squares)];
  if (!(square > 0)) return { gain: 0, scale: 0 };
  const fitted = fround(product / square);
  return { gain: fround(product * fitted), scale: fitted };
}
