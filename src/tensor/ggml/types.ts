/** A type of tensors in GGUF files: its number there, and the bytes of a block of values of one row. */
export interface GgmlType {
  id: number;
  /** Values of a block. */
  block: number;
  /** Bytes of a block. */
  bytes: number;
}

/**
 * Types of which values are read. Of whole numbers and the rarer types of few bits only names and sizes are known.
 * Source: ggml's ggml-common.h (`block_q4_0` and its like), and gguf's table of sizes.
 */
export const ggmlTypes = {
  F32: { id: 0, block: 1, bytes: 4 },
  F16: { id: 1, block: 1, bytes: 2 },
  BF16: { id: 30, block: 1, bytes: 2 },
  Q4_0: { id: 2, block: 32, bytes: 18 },
  Q4_1: { id: 3, block: 32, bytes: 20 },
  Q5_0: { id: 6, block: 32, bytes: 22 },
  Q5_1: { id: 7, block: 32, bytes: 24 },
  Q8_0: { id: 8, block: 32, bytes: 34 },
  Q2_K: { id: 10, block: 256, bytes: 84 },
  Q3_K: { id: 11, block: 256, bytes: 110 },
  Q4_K: { id: 12, block: 256, bytes: 144 },
  Q5_K: { id: 13, block: 256, bytes: 176 },
  Q6_K: { id: 14, block: 256, bytes: 210 },
  IQ4_NL: { id: 20, block: 32, bytes: 18 },
  IQ4_XS: { id: 23, block: 256, bytes: 136 },
  MXFP4: { id: 39, block: 32, bytes: 17 },
} as const satisfies { readonly [name: string]: GgmlType };

export type GgmlTypeName = keyof typeof ggmlTypes;

/** Types that are known by name, and not read. */
export const otherGgmlTypes: { readonly [name: string]: GgmlType } = {
  Q8_1: { id: 9, block: 32, bytes: 40 },
  Q8_K: { id: 15, block: 256, bytes: 292 },
  IQ2_XXS: { id: 16, block: 256, bytes: 66 },
  IQ2_XS: { id: 17, block: 256, bytes: 74 },
  IQ3_XXS: { id: 18, block: 256, bytes: 98 },
  IQ1_S: { id: 19, block: 256, bytes: 50 },
  IQ3_S: { id: 21, block: 256, bytes: 110 },
  IQ2_S: { id: 22, block: 256, bytes: 82 },
  I8: { id: 24, block: 1, bytes: 1 },
  I16: { id: 25, block: 1, bytes: 2 },
  I32: { id: 26, block: 1, bytes: 4 },
  I64: { id: 27, block: 1, bytes: 8 },
  F64: { id: 28, block: 1, bytes: 8 },
  IQ1_M: { id: 29, block: 256, bytes: 56 },
  TQ1_0: { id: 34, block: 256, bytes: 54 },
  TQ2_0: { id: 35, block: 256, bytes: 66 },
  NVFP4: { id: 40, block: 64, bytes: 36 },
  Q1_0: { id: 41, block: 128, bytes: 18 },
};

/** Whether values of a type are read. */
export function isReadableType(name: string): name is GgmlTypeName {
  return Object.hasOwn(ggmlTypes, name);
}

/** A type by its number in files; undefined where it is not known. */
export function ggmlTypeOf(id: number): ({ name: string } & GgmlType) | undefined {
  for (const [name, type] of [...Object.entries(ggmlTypes), ...Object.entries(otherGgmlTypes)]) {
    if (type.id === id) return { name, ...type };
  }
  return undefined;
}

/** Bytes of a row of so many values; undefined where they are no whole blocks. */
export function ggmlRowBytes(name: GgmlTypeName, columns: number): number | undefined {
  const { block, bytes } = ggmlTypes[name];
  return columns % block === 0 ? (columns / block) * bytes : undefined;
}
