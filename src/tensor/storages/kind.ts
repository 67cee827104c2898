import type { CodeLayout } from "../code-layout.ts";

/** Numbers, words and switches of a storage: what its bytes mean beside its tensors. They cross to native code by name. */
export type StorageParameter = number | string | boolean;

/** What every kind of storage has. All fields but these are its parameters. */
export interface StorageBase {
  kind: string;
  /** Shape of the values, row-major. Every tensor below has the same first axis where an origin takes one entry of it. */
  shape: readonly number[];
  /** Names of its tensors in the checkpoint, by what they hold. */
  tensors: { readonly [role: string]: string | undefined };
}

/** Bytes of the tensors of a storage, by role. */
export type StorageBytes = { readonly [role: string]: Uint8Array };

/**
 * A kind of storage: a layout of tensors, whichever method wrote it. To add one: a file here, its line in index.ts, and its
 * reader in native/kernels/stored_<kind>.cc.
 */
export interface StorageKindOf<Storage extends StorageBase> {
  kind: Storage["kind"];
  /** Its tensors by role, in the order in which they cross to native code. A storage may lack some. */
  roles: readonly (keyof Storage["tensors"] & string)[];
  /** True where each tensor can be cut by rows of values: a row is the same number of its bytes. */
  isByRows: boolean;
  /** Bits that a value takes in the file, scales included. */
  bits(storage: Storage): number;
  /** The values that the tensors stand for, `storage.shape` of them. `shape` is that of a part where rows were cut. */
  decode(storage: Storage, bytes: StorageBytes): Float32Array;
  /** How native code may hold it; undefined: it becomes plain values as it is loaded. */
  codes(storage: Storage): CodeLayout | undefined;
}
