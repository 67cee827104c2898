import { perCode } from "../bitsandbytes/inputs.ts";
import { roundEven } from "../bitsandbytes/round-even.ts";
import { roundTo } from "../convert.ts";
import type { FloatDType } from "../dtype.ts";
import type { Quantiser } from "./quantiser.ts";

/** A matrix in 8 bits: int8 codes, and the absolute maximum of each row, which stands for 127. */
export interface ByteRows {
  codes: Int8Array;
  absmax: Float32Array;
}

/**
 * Rows in 8 bits as LLM.int8() makes them: of values rounded to float16, times 127 over the row's maximum, to the nearest, ties
 * to even. A row of zeros stays zeros. Source: Dettmers et al. 2022, "LLM.int8()".
 */
export function quantiseRows(values: Float32Array, columns: number): ByteRows {
  const half = roundTo(values.slice(), "float16");
  const absmax = new Float32Array(values.length / columns);
  half.forEach((value, i) => {
    const row = Math.floor(i / columns);
    absmax[row] = Math.max(absmax[row]!, Math.abs(value));
  });
  const codes = Int8Array.from(half, (value, i) => {
    const most = absmax[Math.floor(i / columns)]!;
    return most === 0 ? 0 : roundEven(Math.fround(value * Math.fround(127 / most)));
  });
  return { codes, absmax };
}

/** bitsandbytes in 8 bits. Parameter: `from`, the type of the weights, to which they are rounded before. */
export const bitsandbytes8: Quantiser = {
  name: "bitsandbytes8",
  layout: () => ({ bits: 8, group: "row", table: "int8", scale: "float32", offset: "none", permuted: false }),
  quantise(values, columns, { from }) {
    const { codes, absmax } = quantiseRows(roundTo(values.slice(), from as FloatDType), columns);
    return {
      rows: values.length / columns,
      columns,
      group: columns,
      codes: Uint8Array.from(codes, (code) => code + 128),
      scales: absmax.map((most) => most * perCode),
    };
  },
};
