import type { FourBitType } from "../../tensor/bitsandbytes/blocks.ts";
import { loadedBlock, packPairs, quantiseBlocks } from "../../tensor/bitsandbytes/blocks.ts";
import { dynamicMap, nestedBlock, nestStatistics } from "../../tensor/bitsandbytes/statistics.ts";
import { codeTables } from "../../tensor/code-layout.ts";
import { roundTo } from "../../tensor/convert.ts";
import { elementCount, type FloatDType } from "../../tensor/dtype.ts";
import { quantiseRows } from "../../tensor/quantisers/bitsandbytes8.ts";
import { savedTensor, type TensorGroup } from "../safetensors-output.ts";
import type { BitsAndBytesConfig } from "./bitsandbytes-config.ts";

/** A matrix that is to be quantised: [outputs, inputs]. */
export interface PlainMatrix {
  /** Of its tensor: "….weight". */
  name: string;
  shape: readonly [number, number];
  /** The type that Python loads it in, to which it is rounded before. */
  dtype: FloatDType;
  read(): Promise<Float32Array>;
}

/** The tensors that transformers writes for a matrix that bitsandbytes has quantised, with the same names and bytes. */
export function bitsandbytesTensors(matrix: PlainMatrix, config: BitsAndBytesConfig): TensorGroup {
  return config.loadIn8bit ? eightBits(matrix) : fourBits(matrix, config.bnb4bitQuantType, config.bnb4bitUseDoubleQuant);
}

function eightBits({ name, shape, dtype, read }: PlainMatrix): TensorGroup {
  const module = name.replace(/\.weight$/, "");
  return {
    tensors: [
      savedTensor(name, "int8", shape),
      savedTensor(`${module}.SCB`, "float32", [shape[0]]),
      savedTensor(`${module}.weight_format`, "uint8", []),
    ],
    async make() {
      const { codes, absmax } = quantiseRows(roundTo(await read(), dtype), shape[1]);
      return [bytesOf(codes), bytesOf(absmax), Uint8Array.of(0)];
    },
  };
}

function fourBits({ name, shape, dtype, read }: PlainMatrix, type: FourBitType, isNested: boolean): TensorGroup {
  const values = elementCount(shape);
  const blocks = Math.ceil(values / loadedBlock);
  const stateOf = (offset?: number) => {
    const nested = { nested_blocksize: nestedBlock, nested_dtype: "float32", nested_offset: offset };
    const state = { quant_type: type, blocksize: loadedBlock, dtype, shape, ...(offset !== undefined && nested) };
    return pythonJson(state);
  };
  // A number of any value has no fixed length in text: the text is filled with spaces, which JSON allows.
  const stateBytes = stateOf(isNested ? 0 : undefined).length + (isNested ? 24 : 0);
  const tensors = [
    savedTensor(name, "uint8", [Math.ceil(values / 2), 1]),
    savedTensor(`${name}.absmax`, isNested ? "uint8" : "float32", [blocks]),
    savedTensor(`${name}.quant_map`, "float32", [16]),
    savedTensor(`${name}.quant_state.bitsandbytes__${type}`, "uint8", [stateBytes]),
  ];
  if (isNested) {
    tensors.push(savedTensor(`${name}.nested_absmax`, "float32", [Math.ceil(blocks / nestedBlock)]));
    tensors.push(savedTensor(`${name}.nested_quant_map`, "float32", [256]));
  }
  return {
    tensors,
    async make() {
      const { codes, absmax } = quantiseBlocks(roundTo(await read(), dtype), type);
      const map = bytesOf(Float32Array.from(codeTables[type]));
      if (!isNested) return [packPairs(codes), bytesOf(absmax), map, new TextEncoder().encode(stateOf())];
      const nested = nestStatistics(absmax);
      const state = new TextEncoder().encode(stateOf(nested.offset).padEnd(stateBytes));
      return [packPairs(codes), nested.codes, map, state, bytesOf(nested.absmax), bytesOf(dynamicMap)];
    },
  };
}

/** JSON with Python's spaces. */
function pythonJson(value: object): string {
  const parts = Object.entries(value).map(([key, entry]) => {
    const text = Array.isArray(entry) ? `[${entry.join(", ")}]` : JSON.stringify(entry);
    return `"${key}": ${text}`;
  });
  return `{${parts.join(", ")}}`;
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array | Int8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
