/** Element types that checkpoints, weights and caches use. Names are PyTorch's. */
export type DType =
  | "float64"
  | "float32"
  | "float16"
  | "bfloat16"
  | "float8_e4m3fn"
  | "float8_e5m2"
  | "float8_e4m3fnuz"
  | "float8_e5m2fnuz"
  | "float8_e8m0fnu"
  | "float6_e2m3"
  | "float6_e3m2"
  | "float4_e2m1"
  | "complex64"
  | "int64"
  | "int32"
  | "int16"
  | "int8"
  | "uint64"
  | "uint32"
  | "uint16"
  | "uint8"
  | "bool";

/** The float types that dense weights may be stored in. */
export type FloatDType = "float32" | "float16" | "bfloat16";

const sizes: Record<DType, number> = {
  float64: 8,
  float32: 4,
  float16: 2,
  bfloat16: 2,
  float8_e4m3fn: 1,
  float8_e5m2: 1,
  float8_e4m3fnuz: 1,
  float8_e5m2fnuz: 1,
  float8_e8m0fnu: 1,
  float6_e2m3: 0.75,
  float6_e3m2: 0.75,
  float4_e2m1: 0.5,
  complex64: 8,
  int64: 8,
  int32: 4,
  int16: 2,
  int8: 1,
  uint64: 8,
  uint32: 4,
  uint16: 2,
  uint8: 1,
  bool: 1,
};

/** Bytes of one element; a part of a byte for types of less than 8 bits. */
export function dtypeBytes(dtype: DType): number {
  return sizes[dtype];
}

/** Number of elements of a shape: the product of its dimensions (1 for a scalar). */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}
