import { TsumugiError } from "../errors.ts";
import { roundToBfloat16, roundToFloat16 } from "./convert.ts";
import type { FloatDType } from "./dtype.ts";

/** float32 values as little-endian bytes of a type, rounded to nearest, ties to even: the opposite of `toFloat32`. */
export function encodeFloats(values: Float32Array, dtype: FloatDType): Uint8Array {
  if (dtype === "float32") return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const out = new Uint16Array(values.length);
  const one = new Float32Array(1);
  const bits = new Uint32Array(one.buffer);
  switch (dtype) {
    case "bfloat16":
      for (let i = 0; i < values.length; i += 1) {
        one[0] = roundToBfloat16(values[i]!);
        out[i] = bits[0]! >>> 16;
      }
      break;
    case "float16":
      for (let i = 0; i < values.length; i += 1) {
        one[0] = roundToFloat16(values[i]!);
        out[i] = halfBits(bits[0]!);
      }
      break;
    default:
      throw new TsumugiError("internal", { what: `encoding of ${dtype}` });
  }
  return new Uint8Array(out.buffer);
}

/** The bits of a float32 that a float16 holds exactly, as that float16's. */
function halfBits(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const exponent = ((bits >>> 23) & 0xff) - 127;
  const mantissa = bits & 0x7fffff;
  if (exponent === 128) return sign | 0x7c00 | (mantissa === 0 ? 0 : 0x200);
  if (exponent >= -14) return sign | ((exponent + 15) << 10) | (mantissa >>> 13);
  if (exponent < -24) return sign;
  return sign | ((mantissa | 0x800000) >>> (-1 - exponent));
}
