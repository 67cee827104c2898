import { roundToBfloat16, roundToFloat16 } from "../convert.ts";

/** Types that values are written as. */
export const writableTypes = ["F32", "F16", "BF16", "Q8_0", "Q4_0"] as const;
export type WritableGgmlType = (typeof writableTypes)[number];

const scratch = new DataView(new ArrayBuffer(4));

/**
 * Values as bytes of a type of GGUF files. Of types with blocks, rows must be whole blocks (32 values for Q8_0 and Q4_0), so
 * that none goes on into the next row.
 *
 * Rounding is that of ggml's reference code: F16 and BF16 to the nearest, ties to even; Q8_0 by the greatest size of a block over 127,
 * halves away from zero; Q4_0 by the value of greatest size over −8. All in float32. Source: ggml's `quantize_row_q8_0_ref` and `…q4_0_ref`.
 *
 * @example
 * ```ts
 * const bytes = encodeGgml(new Float32Array(64), "Q4_0"); // 2 blocks of 18 bytes
 * ```
 */
export function encodeGgml(values: Float32Array, type: WritableGgmlType): Uint8Array {
  switch (type) {
    case "F32":
      return new Uint8Array(values.slice().buffer);
    case "F16":
      return words(values, float16Bits);
    case "BF16":
      return words(values, (value) => {
        scratch.setFloat32(0, roundToBfloat16(value));
        return scratch.getUint16(0);
      });
    case "Q8_0":
      return blocksOf(values, 34, q8Block);
    case "Q4_0":
      return blocksOf(values, 18, q4Block);
  }
}

function q8Block(values: Float32Array, out: Uint8Array): void {
  const greatest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const inverse = scaleOf(out, Math.fround(greatest / 127));
  for (let i = 0; i < 32; i++) {
    const steps = Math.fround(values[i]! * inverse);
    out[2 + i] = Math.sign(steps) * Math.floor(Math.abs(steps) + 0.5);
  }
}

function q4Block(values: Float32Array, out: Uint8Array): void {
  const greatest = values.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most), 0);
  const inverse = scaleOf(out, Math.fround(greatest / -8));
  const code = (value: number) => Math.min(15, Math.trunc(Math.fround(Math.fround(value * inverse) + 8.5)));
  for (let i = 0; i < 16; i++) out[2 + i] = code(values[i]!) | (code(values[i + 16]!) << 4);
}

/** Writes the scale of a block as float16; gives its inverse before that rounding. */
function scaleOf(out: Uint8Array, scale: number): number {
  const bits = float16Bits(scale);
  out[0] = bits & 255;
  out[1] = bits >> 8;
  return scale === 0 ? 0 : Math.fround(1 / scale);
}

function blocksOf(values: Float32Array, bytes: number, encode: (values: Float32Array, out: Uint8Array) => void): Uint8Array {
  const out = new Uint8Array((values.length / 32) * bytes);
  for (let block = 0; block < values.length / 32; block++) {
    encode(values.subarray(32 * block, 32 * block + 32), out.subarray(block * bytes, (block + 1) * bytes));
  }
  return out;
}

function words(values: Float32Array, bits: (value: number) => number): Uint8Array {
  const out = new Uint8Array(values.length * 2);
  for (let i = 0; i < values.length; i++) {
    const word = bits(values[i]!);
    out[2 * i] = word & 255;
    out[2 * i + 1] = word >> 8;
  }
  return out;
}

/** The bits of the nearest float16. */
function float16Bits(value: number): number {
  const rounded = roundToFloat16(value);
  const sign = Object.is(rounded, -0) || rounded < 0 ? 0x8000 : 0;
  const size = Math.abs(rounded);
  if (Number.isNaN(size)) return 0x7e00;
  if (size === Number.POSITIVE_INFINITY) return sign | 0x7c00;
  if (size < 2 ** -14) return sign | (size * 2 ** 24);
  scratch.setFloat32(0, size);
  const exponent = (scratch.getUint32(0) >>> 23) - 127;
  return sign | ((exponent + 15) << 10) | ((size / 2 ** exponent - 1) * 1024);
}
