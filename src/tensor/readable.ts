import { TsumugiError } from "../errors.ts";
import type { DType } from "./dtype.ts";

/** Types whose numbers are read as floats; transformers casts them likewise. */
const readable: readonly DType[] = [
  "float32",
  "bfloat16",
  "float16",
  "float64",
  "float8_e4m3fn",
  "float8_e5m2",
  "float8_e4m3fnuz",
  "float8_e5m2fnuz",
];

/** Refuses a weight that is stored as a type whose numbers are no floats, or not of a whole byte: `weight_dtype`. */
export function checkReadable(name: string, dtype: DType): void {
  if (readable.includes(dtype)) return;
  const hint = " Tensors of such types are codes of a quantised checkpoint, whose config.json lacks `quantization_config`.";
  throw new TsumugiError("weight_dtype", { name, given: dtype, supported: readable.join(", "), hint });
}
