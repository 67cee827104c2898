import { roundToFloat16 } from "../convert.ts";
import { roundEven } from "./round-even.ts";

/** What bitsandbytes divides by 127 with. */
export const perCode = Math.fround(1 / 127);

/** What bitsandbytes' PyTorch code takes for 1 / 127² in products of integers (it is 6.20001e-5), over the weight's 1 / 127. */
const perStep = Math.fround(6.200124e-5 / perCode);

/**
 * Rows of x as LLM.int8() multiplies them: rounded to float16, then to 127 steps of the row's greatest absolute value, ties to
 * even. Numbers that are at least `threshold` in float16 stay what they are, and do not count as the greatest; 0: there are none.
 *
 * bitsandbytes takes whole columns out wherever any row of a batch has such a number, so that an answer depends on its
 * neighbours; here each row is taken by itself. For one row the two are the same.
 *
 * Source: Dettmers et al. 2022, "LLM.int8()".
 */
export function quantiseInputs(x: Float32Array, columns: number, threshold: number): Float32Array {
  const out = Float32Array.from(x, roundToFloat16);
  const isOutlier = (value: number) => threshold > 0 && Math.abs(value) >= threshold;
  for (let start = 0; start < x.length; start += columns) {
    let most = 0;
    for (let i = start; i < start + columns; i++) if (!isOutlier(out[i]!)) most = Math.max(most, Math.abs(out[i]!));
    const [factor, step] = [most === 0 ? 0 : Math.fround(127 / most), Math.fround(most * perStep)];
    for (let i = start; i < start + columns; i++) {
      out[i] = isOutlier(out[i]!) ? x[i]! : roundEven(Math.fround(out[i]! * factor)) * step;
    }
  }
  return out;
}
