import { TsumugiError } from "../../errors.ts";
import { dynamicMap } from "../../tensor/bitsandbytes/statistics.ts";
import { toFloat32 } from "../../tensor/convert.ts";
import { dtypeBytes, elementCount } from "../../tensor/dtype.ts";
import type { TensorInfo } from "../../tensor/tensor-info.ts";
import { isRecord } from "../../util/json-value.ts";
import { type BitsAndBytesConfig, fourBitArithmetic, storedBitsAndBytesConfig } from "./bitsandbytes-config.ts";
import type { QuantisationMethod, StoredTensor, TensorLookup } from "./method.ts";

const stateNames = ["nf4", "fp4"].map((type) => `.quant_state.bitsandbytes__${type}`);

/**
 * bitsandbytes. In 4 bits a tensor "w" is stored as packed codes under its own name, "w.absmax", "w.quant_map", with double
 * quantisation "w.nested_absmax" and "w.nested_quant_map", and "w.quant_state.bitsandbytes__nf4" (or fp4), a JSON text that says
 * its shape. In 8 bits it is int8, beside its module's "SCB". What is quantised is seen from the tensors that are there, so
 * skip lists say nothing more. Matrices of Conv1D modules (GPT-2) are stored [out, in], as those of all others.
 * Source: transformers' integrations/bitsandbytes.py; bitsandbytes' QuantState.
 */
export const bitsandbytes: QuantisationMethod = {
  name: "bitsandbytes",
  reads: (tensor) =>
    tensor.endsWith(".weight_format") ||
    tensor.endsWith(".nested_quant_map") ||
    stateNames.some((name) => tensor.endsWith(name)),
  open(fields) {
    const config = storedBitsAndBytesConfig(fields);
    return (tensor, lookup) => {
      const name = lookup.find(tensor);
      if (name === undefined) return undefined;
      return fourBits(tensor, name, lookup, config) ?? eightBits(tensor, name, lookup, config);
    };
  },
};

function fourBits(
  tensor: string,
  name: string,
  { find, info, bytes, isInputsFirst }: TensorLookup,
  config: BitsAndBytesConfig,
): StoredTensor | { missing: readonly string[] } | undefined {
  const state = stateNames.map((ending) => find(tensor + ending)).find((found) => found !== undefined);
  if (state === undefined) {
    const isPacked = config.loadIn4bit && info(name).dtype === "uint8";
    return isPacked ? { missing: [tensor + stateNames[config.bnb4bitQuantType === "nf4" ? 0 : 1]!] } : undefined;
  }
  const { type, shape, block, nestedBlock, nestedOffset } = readState(state, bytes(state));
  const parts = {
    absmax: find(`${tensor}.absmax`),
    ...(nestedBlock !== undefined && {
      nestedAbsmax: find(`${tensor}.nested_absmax`),
      nestedMap: find(`${tensor}.nested_quant_map`),
    }),
  };
  const endings = { absmax: "absmax", nestedAbsmax: "nested_absmax", nestedMap: "nested_quant_map" } as const;
  const missing = Object.entries(parts).filter(([, found]) => found === undefined);
  if (missing.length > 0) return { missing: missing.map(([role]) => `${tensor}.${endings[role as keyof typeof endings]}`) };
  const values = elementCount(shape);
  const blocks = Math.ceil(values / block);
  const codes = info(name);
  // packed bytes may be called numbers of any type (`bnb_4bit_quant_storage`)
  const given = elementCount(codes.shape) * dtypeBytes(codes.dtype);
  const whole = Math.ceil(Math.ceil(values / 2) / dtypeBytes(codes.dtype)) * dtypeBytes(codes.dtype);
  check(codes, given === whole, `${whole} bytes, for [${shape}] in 4 bits`);
  checkList(info(parts.absmax!), nestedBlock === undefined ? "float32" : "uint8", blocks);
  if (nestedBlock !== undefined) {
    checkList(info(parts.nestedAbsmax!), "float32", Math.ceil(blocks / nestedBlock));
    checkList(info(parts.nestedMap!), "float32", 256);
  }
  const map = find(`${tensor}.quant_map`);
  return {
    tensor: name,
    storage: {
      kind: "bitsandbytes4",
      shape,
      tensors: { codes: name, ...parts, ...(map !== undefined && { map }), state } as { codes: string; absmax: string },
      type,
      block,
      ...(nestedBlock !== undefined && { nestedBlock, nestedOffset }),
      ...(parts.nestedMap !== undefined && !isDynamicMap(bytes(parts.nestedMap)) && { ownMap: true as const }),
      arithmetic: fourBitArithmetic(config),
    },
    transposed: isInputsFirst(tensor),
  };
}

function isDynamicMap(bytes: Uint8Array): boolean {
  const values = toFloat32(bytes, "float32");
  return values.every((value, code) => value === dynamicMap[code]);
}

interface State {
  type: "nf4" | "fp4";
  shape: readonly [number, number];
  block: number;
  nestedBlock?: number;
  nestedOffset?: number;
}

/** The JSON text beside a 4-bit tensor. It may hold more. */
function readState(name: string, bytes: Uint8Array): State {
  const text = new TextDecoder().decode(bytes);
  const refuse = (expected: string, given: unknown): never => {
    throw new TsumugiError("quantised_tensor", { name, expected, given });
  };
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    refuse("a JSON text", text);
  }
  if (!isRecord(parsed)) return refuse("a JSON object", parsed);
  const { quant_type: type, shape, blocksize, nested_blocksize: nestedBlock, nested_offset: nestedOffset } = parsed;
  if (type !== "nf4" && type !== "fp4") return refuse('"nf4" or "fp4" as `quant_type`', type);
  const isSize = (value: unknown) => Number.isSafeInteger(value) && (value as number) > 0;
  if (!Array.isArray(shape) || shape.length !== 2 || !shape.every(isSize)) return refuse("two sizes as `shape`", shape);
  const isBlock = (value: unknown) => isSize(value) && Number.isInteger(Math.log2(value as number));
  if (!isBlock(blocksize)) return refuse("a power of two as `blocksize`", blocksize);
  const own = { type, shape: [shape[0], shape[1]] as const, block: blocksize as number } as const;
  if (nestedBlock === undefined) return own;
  if (!isBlock(nestedBlock)) return refuse("a power of two as `nested_blocksize`", nestedBlock);
  if (typeof nestedOffset !== "number") return refuse("a number as `nested_offset`", nestedOffset);
  return { ...own, nestedBlock: nestedBlock as number, nestedOffset: Math.fround(nestedOffset) };
}

function eightBits(
  tensor: string,
  name: string,
  { find, info, bytes, isInputsFirst }: TensorLookup,
  config: BitsAndBytesConfig,
): StoredTensor | { missing: readonly string[] } | undefined {
  const codes = info(name);
  if (codes.dtype !== "int8") return undefined;
  const module = tensor.replace(/\.weight$/, "");
  const scales = find(`${module}.SCB`);
  if (scales === undefined) return { missing: [`${module}.SCB`] };
  check(codes, codes.shape.length === 2, "[rows, columns]");
  checkList(info(scales), "float32", codes.shape[0]!);
  const format = find(`${module}.weight_format`);
  // older versions had layouts for single kinds of graphics cards
  if (format !== undefined && bytes(format).some((byte) => byte !== 0)) {
    throw new TsumugiError("quantised_tensor", { name: format, expected: "0 (rows)", given: bytes(format)[0] });
  }
  const tensors = { codes: name, scales, ...(format !== undefined && { format }) };
  const threshold = config.llmInt8Threshold;
  return {
    tensor: name,
    storage: { kind: "bitsandbytes8", shape: codes.shape, tensors, threshold },
    transposed: isInputsFirst(tensor),
  };
}

function checkList(tensor: TensorInfo, dtype: TensorInfo["dtype"], length: number): void {
  check(tensor, tensor.dtype === dtype && elementCount(tensor.shape) === length, `${dtype} [${length}]`);
}

function check({ name, dtype, shape }: TensorInfo, holds: boolean, expected: string): void {
  if (!holds) throw new TsumugiError("weight_shape", { name, expected, given: `${dtype} [${shape}]` });
}
