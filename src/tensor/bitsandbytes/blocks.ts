import { codeTables } from "../code-layout.ts";

/** The two 4-bit types of bitsandbytes. */
export type FourBitType = "nf4" | "fp4";

/** Values that share an absolute maximum: the block size with which bitsandbytes quantises when it loads. */
export const loadedBlock = 64;

/** Codes of a flattened matrix, one a byte, and the absolute maximum of each block of it. */
export interface BlockCodes {
  codes: Uint8Array;
  absmax: Float32Array;
}

/**
 * Borders between neighbouring codes on values scaled to ±1: a value above a border takes the upper code, so one that lies on it
 * takes the lower. NF4's are the middles between its values. FP4's are of absolute values, in the order of `fp4Order`, and were
 * written down with few digits. Source: bitsandbytes 0.50, csrc/kernels.cu.
 */
const borders = {
  nf4: Float32Array.from({ length: 15 }, (_, code) => (codeTables.nf4[code]! + codeTables.nf4[code + 1]!) / 2),
  fp4: Float32Array.of(0.00260417, 0.0859375, 0.20833333, 0.29166667, 0.4166667, 0.583333, 0.8333333),
};

/** Codes of FP4 by their absolute value, the smallest first; 8 more is the negative one. */
const fp4Order = [0, 1, 6, 7, 4, 5, 2, 3];

/** How many borders lie below a value; of NaN (a block of zeros alone, scaled) none. */
function above(value: number, among: Float32Array): number {
  let count = 0;
  while (count < among.length && value > among[count]!) count++;
  return count;
}

/** The code of a value that is scaled to ±1. */
export function fourBitCode(scaled: number, type: FourBitType): number {
  if (type === "nf4") return above(scaled, borders.nf4);
  return fp4Order[above(Math.abs(scaled), borders.fp4)]! + (scaled < 0 ? 8 : 0);
}

/** Absolute maximum of each block of `size` values; the last block may be shorter. */
export function blockMaxima(values: Float32Array, size: number): Float32Array {
  const out = new Float32Array(Math.ceil(values.length / size));
  for (let i = 0; i < values.length; i++) {
    const block = Math.floor(i / size);
    out[block] = Math.max(out[block]!, Math.abs(values[i]!));
  }
  return out;
}

/** A value times the inverse of its block's maximum, each rounded to float32. */
export function scaledTo(value: number, absmax: number): number {
  return Math.fround(value * Math.fround(1 / absmax));
}

/**
 * 4-bit codes of values, block by block over the flattened matrix. Source: Dettmers et al. 2023, "QLoRA"; bitsandbytes.
 */
export function quantiseBlocks(values: Float32Array, type: FourBitType, size = loadedBlock): BlockCodes {
  const absmax = blockMaxima(values, size);
  const codes = Uint8Array.from(values, (value, i) => fourBitCode(scaledTo(value, absmax[Math.floor(i / size)]!), type));
  return { codes, absmax };
}

/** Two codes a byte, the first in its high half. */
export function packPairs(codes: Uint8Array): Uint8Array {
  return Uint8Array.from({ length: Math.ceil(codes.length / 2) }, (_, i) => (codes[2 * i]! << 4) | (codes[2 * i + 1] ?? 0));
}

/** The first `count` codes of pairs. */
export function unpackPairs(pairs: Uint8Array, count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, i) => (i % 2 === 0 ? pairs[i >> 1]! >> 4 : pairs[i >> 1]! & 15));
}

/**
 * The most columns of a row that lie in one block wherever the row begins: 64 where rows are whole blocks, else the power of
 * two that rows and blocks have in common.
 */
export function commonGroup(columns: number, block: number): number {
  let group = 1;
  while (columns % (2 * group) === 0 && block % (2 * group) === 0) group *= 2;
  return group;
}

/**
 * The columns whose blocks have one nested statistic wherever a row begins; undefined where rows are no whole blocks, or where so
 * few columns share one that holding scales as codes would save nothing.
 */
export function nestedColumns(columns: number, block: number, nestedBlock: number): number | undefined {
  if (columns % block !== 0) return undefined;
  const shared = commonGroup(columns / block, nestedBlock);
  return shared < 4 ? undefined : shared * block;
}
