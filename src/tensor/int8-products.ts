import { type CodedRows, type CodeLayout, type CodeTable, codeTables } from "./code-layout.ts";

const { fround } = Math;

/** What the integers of a table are multiplied by: those of NF4 are its values in steps of 1 / 127, rounded. */
const tableFactors: { readonly [table in CodeTable]?: number } = {
  linear: 1,
  int8: 1,
  int4: 1,
  iq4nl: 1,
  float4: 2,
  fp4: 120,
  nf4: 127,
};

/** Columns that may share a scale: more could overflow a sum of 32 bits. */
const mostColumns = 65_536;

/** Whether codes of a layout can be multiplied as integers of 8 bits: all but 8-bit floats. */
export function takesInt8({ bits, table, group, offset }: CodeLayout, columns: number): boolean {
  const factor = tableFactors[table];
  const isWhole = factor === 1 || (bits === 4 && offset !== "zero");
  return factor !== undefined && isWhole && (group === "row" ? columns : group) <= mostColumns;
}

/** Rows of x as integers: `codes` [rows, columns]; `scales` and `sums` (of the codes) [rows, groups]. */
export interface Int8Inputs {
  codes: Int8Array;
  scales: Float32Array;
  sums: Int32Array;
}

/**
 * x [rows, columns] in 8 bits, a scale for each `group` columns of a row: times 127 over their greatest absolute value, to the
 * nearest, ties to even. All is 0 where that is below 1e-30; where it is not finite the scale is NaN.
 */
export function quantiseInputs(x: Float32Array, columns: number, group: number): Int8Inputs {
  const groups = Math.ceil(columns / group);
  const count = (x.length / columns) * groups;
  const made = { codes: new Int8Array(x.length), scales: new Float32Array(count), sums: new Int32Array(count) };
  for (let at = 0; at < count; at++) {
    const row = Math.floor(at / groups);
    const begin = row * columns + (at % groups) * group;
    const end = Math.min(begin + group, (row + 1) * columns);
    let most = 0;
    for (let i = begin; i < end; i++) most = Math.max(most, Math.abs(x[i]!)); // NaN stays
    const finite = Number.isFinite(most);
    const counts = finite && most >= fround(1e-30);
    const inverse = counts ? fround(127 / most) : 0;
    made.scales[at] = counts ? most / 127 : finite ? 0 : Number.NaN;
    for (let i = begin; i < end; i++) {
      const code = counts ? roundEven(fround(x[i]! * inverse)) : 0;
      made.codes[i] = code;
      made.sums[at] = made.sums[at]! + code;
    }
  }
  return made;
}

/** x as it is after a round trip through 8 bits. */
export function throughInt8(x: Float32Array, columns: number, group: number): Float32Array {
  const { codes, scales } = quantiseInputs(x, columns, group);
  const groups = Math.ceil(columns / group);
  return Float32Array.from(
    codes,
    (code, i) => code * scales[Math.floor(i / columns) * groups + Math.floor((i % columns) / group)]!,
  );
}

/**
 * x · Wᵀ [x's rows, rows of W] as kernels compute it in int8 arithmetic: an exact integer sum for each group, then floats in
 * ascending order. The reference of native/kernels/matmul_int8.cc; where processors fuse a product and a sum the last place may
 * differ.
 */
export function multiplyInt8(layout: CodeLayout, weights: CodedRows, x: Float32Array): Float32Array {
  const { rows, columns, group, codes } = weights;
  const groups = Math.ceil(columns / group);
  const inputs = quantiseInputs(x, columns, group);
  const factor = tableFactors[layout.table]!;
  const table = codeTables[layout.table].map((value) => roundAway(fround(value * factor)));
  const y = new Float32Array((x.length / columns) * rows);
  for (let at = 0; at < y.length; at++) {
    const [row, output] = [Math.floor(at / rows), at % rows];
    let total = 0;
    for (let unit = 0; unit < groups; unit++) {
      let sum = 0;
      for (let column = unit * group; column < Math.min(columns, (unit + 1) * group); column++) {
        sum += table[codes[output * columns + column]!]! * inputs.codes[row * columns + column]!;
      }
      const [of, from] = [output * groups + unit, row * groups + unit];
      total = addGroup(total, sum, of, from);
    }
    y[at] = total;
  }
  return y;

  function addGroup(total: number, sum: number, of: number, from: number): number {
    const [scale, offset] = [fround(weights.scales[of]! * fround(1 / factor)), weights.offsets?.[of] ?? 0];
    const [inputScale, inputSum] = [inputs.scales[from]!, inputs.sums[from]!];
    const shifted = layout.offset === "zero" ? fround(fround(sum) - offset * inputSum) : fround(sum);
    const added = fround(total + fround(shifted * inputScale) * scale);
    return layout.offset === "minimum" ? fround(added + offset * fround(inputSum * inputScale)) : added;
  }
}

/** The nearest whole number; of two, the one that is further from 0. */
function roundAway(value: number): number {
  return Math.sign(value) * Math.floor(Math.abs(value) + 0.5);
}

/** The nearest whole number; of two, the even one. */
function roundEven(value: number): number {
  const nearest = Math.round(value);
  return nearest - value === 0.5 && nearest % 2 !== 0 ? nearest - 1 : nearest;
}
