/**
 * How values are stored that a checkpoint does not hold as plain numbers: codes of a few bits, and what turns them into
 * values. A kind is a layout of tensors, whichever method wrote it; formats/quantised/ finds the kind of each tensor.
 *
 * To add a kind: its interface here and in the union, its decoder in decode-storage.ts, and what the cpu backend's loader
 * and kernels make of it.
 */
interface StorageBase {
  kind: string;
  /** Shape of the values, row-major. Every tensor below has the same first axis where an origin takes one entry of it. */
  shape: readonly number[];
  /** Names of its tensors in the checkpoint, by what they hold. */
  tensors: { readonly [role: string]: string };
}

/**
 * MXFP4: `codes` is uint8 [...rows, groups, 16], two 4-bit floats a byte, the low half first; `scales` is uint8
 * [...rows, groups], an exponent with 127 added for each group of 32 values of a row.
 * Source: OCP Microscaling Formats (MX) v1.0; the layout is that of gpt-oss.
 */
export interface Mxfp4Storage extends StorageBase {
  kind: "mxfp4";
  tensors: { readonly codes: string; readonly scales: string };
  /** Values of a row that share a scale. */
  group: 32;
}

export type TensorStorage = Mxfp4Storage;
export type StorageKind = TensorStorage["kind"];

/** Bits that a value takes in each kind of storage, scales included. */
export const storageBits: { readonly [Kind in StorageKind]: number } = { mxfp4: 4.25 };

/** The tensors of each kind of storage, in the order in which they cross to native code. */
const storageRoles: { readonly [Kind in StorageKind]: readonly string[] } = { mxfp4: ["codes", "scales"] };

/** The tensors of a storage by role, in order. */
export function storageTensors({ kind, tensors }: TensorStorage): { role: string; tensor: string }[] {
  const named: { readonly [role: string]: string } = tensors;
  return storageRoles[kind].map((role) => ({ role, tensor: named[role]! }));
}
