import { fromMxfp4 } from "./mxfp4.ts";
import type { StorageKind, TensorStorage } from "./storage.ts";

/** Bytes of the tensors of a storage, by role. */
export type StorageBytes = { readonly [role: string]: Uint8Array };

const decoders: { readonly [Kind in StorageKind]: (bytes: StorageBytes) => Float32Array } = {
  mxfp4: ({ codes, scales }) => fromMxfp4(codes!, scales!),
};

/** The values that the tensors of a storage stand for, or of whole rows of them. */
export function decodeStorage({ kind }: Pick<TensorStorage, "kind">, bytes: StorageBytes): Float32Array {
  return decoders[kind](bytes);
}
