import type { Quantiser } from "./quantiser.ts";

/**
 * Rows in 8 bits: times 127 over the row's greatest absolute value, to the nearest, ties to even. A row of zeros stays zeros.
 * The one of `dtype: "int8"`.
 */
export const int8: Quantiser = {
  name: "int8",
  layout: () => ({ bits: 8, group: "row", table: "int8", scale: "float32", offset: "none", permuted: false }),
  quantise(values, columns) {
    const rows = values.length / columns;
    const codes = new Uint8Array(values.length);
    const scales = new Float32Array(rows);
    for (let row = 0; row < rows; row++) {
      const from = values.subarray(row * columns, (row + 1) * columns);
      const most = from.reduce((size, value) => Math.max(size, Math.abs(value)), 0);
      const factor = most === 0 ? 0 : Math.fround(127 / most);
      from.forEach((value, column) => {
        codes[row * columns + column] = roundEven(Math.fround(value * factor)) + 128;
      });
      scales[row] = most / 127;
    }
    return { rows, columns, group: columns, codes, scales };
  },
};

/** The nearest whole number; of two, the even one. */
function roundEven(value: number): number {
  const nearest = Math.round(value);
  return nearest - value === 0.5 && nearest % 2 !== 0 ? nearest - 1 : nearest;
}
