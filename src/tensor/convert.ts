import { TsumugiError } from "../errors.ts";
import type { DType, FloatDType } from "./dtype.ts";

const scratch = new DataView(new ArrayBuffer(8));

function bitsOf(value: number): number {
  scratch.setFloat32(0, value);
  return scratch.getUint32(0);
}

function floatOf(bits: number): number {
  scratch.setUint32(0, bits);
  return scratch.getFloat32(0);
}

/** Little-endian data of a float dtype as float32 values. The bytes need not be aligned. */
export function toFloat32(bytes: Uint8Array, dtype: DType): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (dtype) {
    case "float32":
      return new Float32Array(bytes.slice().buffer);
    case "float64":
      return Float32Array.from({ length: bytes.length / 8 }, (_, i) => view.getFloat64(i * 8, true));
    case "bfloat16": {
      const out = new Uint32Array(bytes.length / 2);
      for (let i = 0; i < out.length; i++) out[i] = (bytes[2 * i]! | (bytes[2 * i + 1]! << 8)) << 16;
      return new Float32Array(out.buffer);
    }
    case "float16":
      return Float32Array.from({ length: bytes.length / 2 }, (_, i) => float16ToFloat32(view.getUint16(i * 2, true)));
    case "float8_e4m3fn":
      return Float32Array.from(bytes, (byte) => smallFloat(byte, 4, 3, "finite"));
    case "float8_e5m2":
      return Float32Array.from(bytes, (byte) => smallFloat(byte, 5, 2));
    case "float8_e4m3fnuz":
      return Float32Array.from(bytes, (byte) => smallFloat(byte, 4, 3, "unsigned zero"));
    case "float8_e5m2fnuz":
      return Float32Array.from(bytes, (byte) => smallFloat(byte, 5, 2, "unsigned zero"));
    default:
      throw new TsumugiError("invalid_input", { what: "A weight's dtype", expected: "a float type", given: dtype });
  }
}

/** float16 bits as a number. */
function float16ToFloat32(bits: number): number {
  return smallFloat(bits, 5, 10);
}

/** Rounds to the nearest value of a dtype, ties to even, in place; returns the array. */
export function roundTo(values: Float32Array, dtype: FloatDType): Float32Array {
  if (dtype === "bfloat16") for (let i = 0; i < values.length; i++) values[i] = roundToBfloat16(values[i]!);
  else if (dtype === "float16") for (let i = 0; i < values.length; i++) values[i] = roundToFloat16(values[i]!);
  return values;
}

export function roundToBfloat16(value: number): number {
  if (Number.isNaN(value)) return value;
  const bits = bitsOf(value);
  return floatOf(((bits + 0x7fff + ((bits >>> 16) & 1)) & 0xffff0000) >>> 0);
}

export function roundToFloat16(value: number): number {
  const size = Math.abs(value);
  if (!(size > 0) || size === Number.POSITIVE_INFINITY) return value;
  const exponent = Math.max(Math.floor(Math.log2(size)), -14);
  // one unit in the last place; log2 may be one off next to a power of two, which the sum below does not mind
  const unit = 2 ** (exponent - 10);
  const steps = size / unit;
  const floor = Math.floor(steps);
  const rest = steps - floor;
  const rounded = (rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor) * unit;
  return Math.sign(value) * (rounded >= 65520 ? Number.POSITIVE_INFINITY : rounded);
}

/**
 * A float of 1 sign bit and few others. "finite": no infinities, and only all ones is NaN (e4m3fn). "unsigned zero": no
 * infinities, NaN has the bits of a negative zero, and exponents are one lower (fnuz).
 */
function smallFloat(bits: number, exponentBits: number, mantissaBits: number, kind?: "finite" | "unsigned zero"): number {
  const sign = bits >> (exponentBits + mantissaBits) ? -1 : 1;
  const largest = (1 << exponentBits) - 1;
  const exponent = (bits >> mantissaBits) & largest;
  const mantissa = bits & ((1 << mantissaBits) - 1);
  const bias = (largest >> 1) + (kind === "unsigned zero" ? 1 : 0);
  if (kind === "unsigned zero" && sign < 0 && exponent === 0 && mantissa === 0) return Number.NaN;
  if (kind === "finite" && exponent === largest && mantissa === (1 << mantissaBits) - 1) return Number.NaN;
  if (kind === undefined && exponent === largest) return mantissa ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  if (exponent === 0) return sign * mantissa * 2 ** (1 - bias - mantissaBits);
  return sign * (1 + mantissa / (1 << mantissaBits)) * 2 ** (exponent - bias);
}
