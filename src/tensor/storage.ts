import type { CodeLayout } from "./code-layout.ts";
import { kindOf, type TensorStorage } from "./storages/index.ts";
import type { StorageBytes, StorageParameter } from "./storages/kind.ts";

/**
 * How values are stored that a checkpoint does not hold as plain numbers: codes of a few bits, and what turns them into
 * values. A kind is a layout of tensors, whichever method wrote it (storages/); formats/quantised/ finds the kind of each tensor.
 */
export { type StorageKind, storageKinds, type TensorStorage } from "./storages/index.ts";
export type { StorageBytes, StorageParameter } from "./storages/kind.ts";

/** The tensors of a storage by role, in the order in which they cross to native code. */
export function storageTensors(storage: TensorStorage): { role: string; tensor: string }[] {
  return storageRoles(storage).filter((role): role is { role: string; tensor: string } => role.tensor !== undefined);
}

/** The same with the roles that it lacks. */
export function storageRoles(storage: TensorStorage): { role: string; tensor: string | undefined }[] {
  const named: { readonly [role: string]: string | undefined } = storage.tensors;
  return kindOf(storage).roles.map((role) => ({ role, tensor: named[role] }));
}

/** Numbers, words and switches of a storage, by name. */
export function storageParameters(storage: TensorStorage): { [name: string]: StorageParameter } {
  const { kind: _, shape: __, tensors: ___, ...parameters } = storage;
  return Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== undefined));
}

/** Whether each of its tensors can be cut by rows of values. */
export function isStoredByRows(storage: TensorStorage): boolean {
  return kindOf(storage).isByRows;
}

/** Bits that a value takes in the file, scales included. */
export function storageBits(storage: TensorStorage): number {
  return kindOf(storage).bits(storage);
}

/** The values that the tensors of a storage stand for, or, with the shape of that part, of whole rows of them. */
export function decodeStorage(storage: TensorStorage, bytes: StorageBytes): Float32Array {
  return kindOf(storage).decode(storage, bytes);
}

/** How native code may hold the codes of a storage; undefined: they become plain values as they are loaded. */
export function storageCodes(storage: TensorStorage): CodeLayout | undefined {
  return kindOf(storage).codes(storage);
}
