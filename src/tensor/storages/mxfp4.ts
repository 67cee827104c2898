import { codeTables } from "../code-layout.ts";
import type { StorageBase, StorageKindOf } from "./kind.ts";

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

export const mxfp4: StorageKindOf<Mxfp4Storage> = {
  kind: "mxfp4",
  roles: ["codes", "scales"],
  isByRows: true,
  bits: () => 4.25,
  decode: (_, { codes, scales }) => fromMxfp4(codes!, scales!),
  codes: () => ({ bits: 4, group: 32, table: "float4", scale: "exponent", offset: "none", permuted: false }),
};

/** Values of MXFP4: each 16 bytes of `blocks` hold 32 numbers, which share one byte of `scales`. */
export function fromMxfp4(blocks: Uint8Array, scales: Uint8Array): Float32Array {
  const out = new Float32Array(blocks.length * 2);
  for (let i = 0; i < blocks.length; i++) {
    const scale = 2 ** (scales[i >> 4]! - 127);
    out[2 * i] = codeTables.float4[blocks[i]! & 15]! * scale;
    out[2 * i + 1] = codeTables.float4[blocks[i]! >> 4]! * scale;
  }
  return out;
}
