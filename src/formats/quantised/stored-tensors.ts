import { TsumugiError } from "../../errors.ts";
import { dtypeBytes } from "../../tensor/dtype.ts";
import { type ColumnGroups, columnGroupsOf } from "../../tensor/storages/column-groups.ts";
import { type ScaleType, scaleTypeOf } from "../../tensor/storages/scales.ts";
import type { TensorInfo } from "../../tensor/tensor-info.ts";
import type { TensorLookup } from "./method.ts";

/** Refuses a tensor of another type or shape than it must have: `weight_shape`. */
export function checkTensor({ name, dtype, shape }: TensorInfo, holds: boolean, expected: string): void {
  if (!holds) throw new TsumugiError("weight_shape", { name, expected, given: `${dtype} [${shape.join(", ")}]` });
}

/** Refuses a tensor that has not exactly this type and shape. */
export function checkShape(tensor: TensorInfo, dtype: TensorInfo["dtype"], shape: readonly number[]): void {
  const holds = tensor.dtype === dtype && tensor.shape.join() === shape.join();
  checkTensor(tensor, holds, `${dtype} [${shape.join(", ")}]`);
}

/** The type of scales, which have to be of one of some shapes. */
export function checkScales(tensor: TensorInfo, ...shapes: readonly (readonly number[])[]): ScaleType {
  const type = scaleTypeOf(tensor.dtype);
  const fits = type !== undefined && shapes.some((shape) => tensor.shape.join() === shape.join());
  const expected = shapes.map((shape) => `[${shape.join(", ")}]`).join(" or ");
  checkTensor(tensor, fits, `float32, float16 or bfloat16 ${expected}`);
  return type!;
}

/** How columns stand by the list of their groups, where there is one. */
export function checkGroups(
  list: string | undefined,
  { info, bytes }: TensorLookup,
  columns: number,
  group: number,
  groups: number,
): ColumnGroups {
  if (list === undefined) return "runs";
  checkShape(info(list), "int32", [columns]);
  const found = columnGroupsOf(bytes(list), columns, group, groups);
  if (found !== undefined) return found;
  throw new TsumugiError("quantised_tensor", {
    name: list,
    expected: `the group of each of ${columns} columns, from 0 to ${groups - 1}`,
    given: bytes(list).length === 0 ? "nothing that could be read" : "others",
  });
}

/** The names of tensors in the checkpoint, or of those that it lacks. */
export function findAll<Tensors extends { readonly [role: string]: string }>(
  tensors: Tensors,
  { find }: TensorLookup,
): Tensors | { missing: readonly string[] } {
  const found = Object.entries(tensors).map(([role, tensor]) => [role, find(tensor)] as const);
  const missing = found.flatMap(([role, name]) => (name === undefined ? [tensors[role]!] : []));
  return missing.length > 0 ? { missing } : (Object.fromEntries(found) as Tensors);
}

/** Rows and columns that a tensor of two whole numbers says. */
export function sizesIn(tensor: TensorInfo, bytes: Uint8Array): readonly [number, number] {
  const isPair = (tensor.dtype === "int64" || tensor.dtype === "int32") && tensor.shape.join() === "2";
  checkTensor(tensor, isPair, "int64 [2]");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = (at: number) =>
    tensor.dtype === "int64" ? Number(view.getBigInt64(8 * at, true)) : view.getInt32(4 * at, true);
  const sizes = bytes.length < 2 * dtypeBytes(tensor.dtype) ? [0, 0] : [size(0), size(1)];
  if (sizes.every((value) => Number.isSafeInteger(value) && value > 0)) return sizes as [number, number];
  throw new TsumugiError("quantised_tensor", {
    name: tensor.name,
    expected: "rows and columns",
    given: `[${sizes.join(", ")}]`,
  });
}
