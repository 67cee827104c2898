import type { CodeLayout } from "../code-layout.ts";
import { toFloat32 } from "../convert.ts";
import type { DType } from "../dtype.ts";

/** What scales of codes are stored as: plain numbers, or exponents of 8 bits with 127 added. */
export type ScaleType = "float32" | "float16" | "bfloat16" | "exponent";

/** The type of scales in a tensor of a dtype; undefined where they cannot be read. */
export function scaleTypeOf(dtype: DType): ScaleType | undefined {
  if (dtype === "float8_e8m0fnu") return "exponent";
  return dtype === "float32" || dtype === "float16" || dtype === "bfloat16" ? dtype : undefined;
}

/** Scales as float32. An exponent of 255 is NaN. Source: OCP Microscaling Formats (MX) v1.0, E8M0. */
export function readScales(bytes: Uint8Array, type: ScaleType): Float32Array {
  if (type !== "exponent") return toFloat32(bytes, type);
  return Float32Array.from(bytes, (byte) => (byte === 255 ? Number.NaN : 2 ** (byte - 127)));
}

/** What they are held as: float16 is exact where they are float16 in the file. */
export function heldScale(type: ScaleType): CodeLayout["scale"] {
  return type === "float16" ? "float16" : "float32";
}

/** Bits of a scale in the file. */
export function scaleBits(type: ScaleType): number {
  return { float32: 32, float16: 16, bfloat16: 16, exponent: 8 }[type];
}

/** How codes of a group are held: groups of all columns are rows, others have to be whole lines of 16 columns. */
export function heldGroup(group: number, columns: number): number | "row" | undefined {
  if (group >= columns) return "row";
  return group % 16 === 0 ? group : undefined;
}
