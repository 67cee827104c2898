/**
 * How native code holds the codes of a weight: one of two layouts (native/include/code_layout.h), for codes of up to 4 bits and
 * of up to 8, whatever wrote them. A value is `table[code]`, scaled and shifted as `offset` says; all in float32.
 */
export interface CodeLayout {
  bits: 4 | 8;
  /** Columns that share a scale: a multiple of 16. "row": all of them. */
  group: number | "row";
  table: CodeTable;
  /**
   * What scales (and offsets) are held as: "float16" where they are float16 exactly, "exponent" for powers of two; "byte": signed
   * numbers times a float16 for each `super` columns; "mapped": entries of a table of 256, times a number, plus another.
   */
  scale: "float32" | "float16" | "exponent" | "byte" | "mapped";
  /** Of scales that are codes: the columns that share what turns them into numbers, a multiple of `group`. */
  super?: number;
  /** "none": table · scale. "zero": (table − zero) · scale. "minimum": table · scale + minimum. */
  offset: "none" | "zero" | "minimum";
  /** True where columns stand in another order than the matrix has them in: those of a group side by side. */
  permuted: boolean;
}

export type CodeTable = keyof typeof codeTables;

const float8 = (code: number): number => {
  const [exponent, mantissa] = [(code >> 3) & 15, code & 7];
  const size = exponent === 0 ? mantissa * 2 ** -9 : (8 + mantissa) * 2 ** (exponent - 10);
  return (code & 127) === 127 ? Number.NaN : code & 128 ? -size : size;
};

/**
 * The value of each code. Sources: bitsandbytes' NF4 and FP4 (Dettmers et al. 2023, "QLoRA"); OCP's e2m1 and e4m3 (no
 * infinities); llama.cpp's IQ4_NL.
 */
export const codeTables = {
  linear: Float32Array.from({ length: 256 }, (_, code) => code),
  int8: Float32Array.from({ length: 256 }, (_, code) => code - 128),
  float8: Float32Array.from({ length: 256 }, (_, code) => float8(code)),
  float4: Float32Array.of(0, 0.5, 1, 1.5, 2, 3, 4, 6, -0, -0.5, -1, -1.5, -2, -3, -4, -6),
  nf4: Float32Array.of(
    ...[-1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334],
    ...[-0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224],
    ...[0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1],
  ),
  fp4: Float32Array.from([0, 0.0625, 8, 12, 4, 6, 2, 3, -0, -0.0625, -8, -12, -4, -6, -2, -3], (value) => value / 12),
  iq4nl: Float32Array.of(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113),
  int4: Float32Array.from({ length: 16 }, (_, code) => code - 8),
} as const;

/** Codes of a matrix, one a byte, and what turns them into values. */
export interface CodedRows {
  rows: number;
  columns: number;
  /** Columns that share a scale; the last group of a row may be shorter. */
  group: number;
  /** [rows, columns], columns as `order` says. */
  codes: Uint8Array;
  /** [rows, groups]. */
  scales: Float32Array;
  /** Zeros or minimums [rows, groups], where the layout has them. */
  offsets?: Float32Array;
  /** The column of the matrix that stands at each place. Default: as they stand. */
  order?: Int32Array;
}

/** Values of coded rows, columns in the order of the matrix. The reference of what kernels decode. */
export function decodeCodes({ table, offset }: Pick<CodeLayout, "table" | "offset">, coded: CodedRows): Float32Array {
  const { rows, columns, group, codes, scales, offsets, order } = coded;
  const values = codeTables[table];
  const groups = Math.ceil(columns / group);
  const out = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const at = row * groups + Math.floor(column / group);
      const [value, scale, shift] = [values[codes[row * columns + column]!]!, scales[at]!, offsets?.[at] ?? 0];
      // one rounding for each operation, as float32 has it
      const scaled = Math.fround(Math.fround(offset === "zero" ? value - shift : value) * scale);
      out[row * columns + (order?.[column] ?? column)] = offset === "minimum" ? scaled + shift : scaled;
    }
  }
  return out;
}
