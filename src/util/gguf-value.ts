/** A value of the metadata of a GGUF file with its type in the file. */
export type GgufWriteValue =
  | { type: "uint32" | "int32" | "float32" | "uint64"; value: number }
  | { type: "bool"; value: boolean }
  | { type: "string"; value: string }
  | { type: "array"; of: "string"; values: readonly string[] }
  | { type: "array"; of: "int32" | "uint32" | "float32"; values: readonly number[] };
