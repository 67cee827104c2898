import { blockMaxima, scaledTo } from "./blocks.ts";

/** Maxima that share a maximum of their own, in double quantisation. */
export const nestedBlock = 256;

/**
 * bitsandbytes' signed dynamic map of 8 bits, in ascending order: for each of seven powers of ten the middles of 1, 2, 4, … 64
 * equal parts of 0.1 to 1, of either sign; and 0, and 1. Source: Dettmers et al. 2022, "8-bit Optimizers via Block-wise Quantization".
 */
export const dynamicMap: Float32Array = makeDynamicMap();

function makeDynamicMap(): Float32Array {
  const values = [0, 1];
  for (let power = 0; power < 7; power++) {
    const parts = 2 ** power;
    // edges are float32 numbers, counted from the nearer end, with one rounding each
    const step = Math.fround((1 - Math.fround(0.1)) / parts);
    const edge = (i: number) =>
      Math.fround(i < Math.floor((parts + 1) / 2) ? Math.fround(0.1) + step * i : 1 - step * (parts - i));
    for (let i = 0; i < parts; i++) {
      const middle = Math.fround(Math.fround(edge(i) + edge(i + 1)) / 2);
      const value = Math.fround(middle * Math.fround(10 ** (power - 6)));
      values.push(value, -value);
    }
  }
  return Float32Array.from(values).sort();
}

const middles = Float32Array.from({ length: 255 }, (_, code) => Math.fround(dynamicMap[code]! + dynamicMap[code + 1]!) / 2);

/** Maxima of blocks as codes of 8 bits: double quantisation. */
export interface NestedStatistics {
  codes: Uint8Array;
  absmax: Float32Array;
  /** The mean of the maxima, which is taken off before. */
  offset: number;
}

/** Quantises maxima: their mean is taken off, and what is left goes to the nearest of the dynamic map in blocks of 256. */
export function nestStatistics(absmax: Float32Array): NestedStatistics {
  const offset = Math.fround(absmax.reduce((sum, value) => sum + value, 0) / absmax.length);
  const rest = absmax.map((value) => value - offset);
  const maxima = blockMaxima(rest, nestedBlock);
  const codes = Uint8Array.from(rest, (value, i) => dynamicCode(scaledTo(value, maxima[Math.floor(i / nestedBlock)]!)));
  return { codes, absmax: maxima, offset };
}

/** The code whose value is nearest: the lower of two that are equally near. */
function dynamicCode(scaled: number): number {
  let [low, high] = [0, 255];
  while (low < high) {
    const at = (low + high) >> 1;
    if (scaled > middles[at]!) low = at + 1;
    else high = at;
  }
  return low;
}

/** The maxima that codes stand for. */
export function unnestStatistics(
  { codes, absmax, offset }: NestedStatistics,
  map: Float32Array = dynamicMap,
  block = nestedBlock,
): Float32Array {
  return Float32Array.from(codes, (code, i) => Math.fround(map[code]! * absmax[Math.floor(i / block)]!) + offset);
}
