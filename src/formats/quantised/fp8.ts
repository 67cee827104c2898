import type { Scaled8Storage } from "../../tensor/storages/scaled8.ts";
import { scaleTypeOf } from "../../tensor/storages/scales.ts";
import type { TensorInfo } from "../../tensor/tensor-info.ts";
import { fieldAmong, refuseField, refuseUnlessEmpty, skipsOf, textsOf } from "./fields.ts";
import { type FindStorage, type QuantisationMethod, refuseFields } from "./method.ts";
import { checkTensor } from "./stored-tensors.ts";

/** Names of the scales of a tensor, and of what quantises its inputs. The second of each is AutoFP8's and fbgemm's. */
const scaleEndings = ["_scale_inv", "_scale"];
const inputEndings = ["activation_scale", "input_scale", "input_scale_ub"];

/**
 * Float8 checkpoints: a tensor "w" of e4m3 stands under its own name, beside "w_scale_inv" (or "w_scale", as AutoFP8 writes),
 * which is one number, one for each row, or a grid of blocks. Blocks are as large as `weight_block_size` says, the last ones cut.
 * Experts may be single matrices or stacked. A list of skipped modules takes the place of the default. Activations
 * stay floats: their scales say how kernels may compute, and are left out by transformers on a CPU too.
 * Source: transformers' FineGrainedFP8Config; DeepSeek-V3; vLLM's fp8.py.
 */
export const fp8: QuantisationMethod = {
  name: "fp8",
  open(config) {
    refuseFields(config, [
      ...["activation_scheme", "fmt", "weight_block_size", "modules_to_not_convert", "ignored_layers", "modules_to_convert"],
      ...["scale_fmt", "dequantize", "kv_cache_scheme", "is_checkpoint_fp8_serialized"],
    ]);
    fieldAmong(config, "activation_scheme", ["dynamic", "static"], "dynamic");
    fieldAmong(config, "fmt", ["e4m3", "float8_e4m3fn"], "e4m3");
    fieldAmong(config, "scale_fmt", ["float", "ue8m0"], "float");
    fieldAmong(config, "is_checkpoint_fp8_serialized", [true], true);
    refuseUnlessEmpty(config, ["kv_cache_scheme"]);
    const listField = config.modules_to_not_convert == null ? "ignored_layers" : "modules_to_not_convert";
    const isSkipped = skipsOf(textsOf(config, listField) ?? ["lm_head"], listField);
    return findFloat8(isSkipped, blockOf(config.weight_block_size ?? undefined));
  },
};

/**
 * fbgemm's float8: "w" of e4m3 beside "w_scale", one number for each row (or column, of stacked experts).
 * Source: transformers' FbgemmFp8Config.
 */
export const fbgemmFp8: QuantisationMethod = {
  name: "fbgemm_fp8",
  open(config) {
    // the bound is of activations, which stay floats here
    refuseFields(config, ["activation_scale_ub", "modules_to_not_convert"]);
    const field = "modules_to_not_convert";
    return findFloat8(skipsOf(textsOf(config, field) ?? ["lm_head"], field), undefined);
  },
};

function blockOf(given: unknown): readonly [number, number] | undefined {
  if (given === undefined) return undefined;
  const isSize = (size: unknown) => Number.isSafeInteger(size) && (size as number) > 0;
  const isPair = Array.isArray(given) && given.length === 2 && given.every(isSize);
  return isPair ? (given as [number, number]) : refuseField("weight_block_size", given, "two positive integers, or null");
}

function findFloat8(isSkipped: (module: string) => boolean, block: readonly [number, number] | undefined): FindStorage {
  return (tensor, { find, info }) => {
    const name = find(tensor);
    const module = tensor.replace(/\.weight$/, "");
    if (name === undefined || info(name).dtype !== "float8_e4m3fn" || isSkipped(module)) return undefined;
    const scales = scaleEndings.map((ending) => find(tensor + ending)).find((found) => found !== undefined);
    if (scales === undefined) return { missing: [tensor + scaleEndings[0]] };
    const inputScale = inputEndings.map((ending) => find(`${module}.${ending}`)).find((found) => found !== undefined);
    const tensors = { codes: name, scales, ...(inputScale !== undefined && { inputScale }) };
    return { tensor: name, storage: float8Storage(tensors, info(name), info(scales), block), transposed: false };
  };
}

/** A float8 tensor under the scales that it has. */
export function float8Storage(
  tensors: Scaled8Storage["tensors"],
  codes: TensorInfo,
  scales: TensorInfo,
  block: readonly [number, number] | undefined,
): Scaled8Storage {
  const { shape } = codes;
  checkTensor(codes, shape.length >= 2 && shape.every((size) => size > 0), "[rows, columns]");
  const [rows, columns] = [shape.at(-2)!, shape.at(-1)!];
  const outer = shape.slice(0, -2);
  const grid = gridOf(scales.shape, outer);
  const rowBlock = grid && blockSize(rows, grid[0], block?.[0]);
  const columnBlock = grid && blockSize(columns, grid[1], block?.[1]);
  const scaleType = scaleTypeOf(scales.dtype);
  const stack = outer.map((size) => `${size}, `).join("");
  const expected = `one number, [${stack}${rows}, 1]${block ? `, or [${stack}${Math.ceil(rows / block[0])}, ${Math.ceil(columns / block[1])}]` : ""} of floats`;
  checkTensor(scales, scaleType !== undefined && rowBlock !== undefined && columnBlock !== undefined, expected);
  const sizes = { rowBlock: rowBlock!, columnBlock: columnBlock!, scaleType: scaleType! };
  return { kind: "scaled8", shape, tensors, table: "float8", ...sizes };
}

/** Rows and columns of a grid of scales: one number may have no axes, a number for each row one. */
function gridOf(shape: readonly number[], outer: readonly number[]): readonly [number, number] | undefined {
  if (shape.slice(0, outer.length).join() !== outer.join()) return undefined;
  const [rows = 1, columns = 1, ...rest] = shape.slice(outer.length);
  return rest.length === 0 ? [rows, columns] : undefined;
}

/** The length of the blocks of which `count` cover a side; undefined where none does. */
function blockSize(length: number, count: number, block: number | undefined): number | undefined {
  if (block !== undefined && Math.ceil(length / block) === count) return Math.min(block, length);
  if (count === 1) return length;
  return count === length ? 1 : undefined;
}
