import { perCode } from "../bitsandbytes/inputs.ts";
import { toFloat32 } from "../convert.ts";
import type { StorageBase, StorageKindOf } from "./kind.ts";

/**
 * bitsandbytes in 8 bits (LLM.int8): `codes` is int8 [rows, columns], `scales` the float32 absolute maximum of each row, which
 * stands for 127. `format` is read by nobody. What it is multiplied by goes through 8 bits too: `threshold` says which numbers do not.
 * Source: Dettmers et al. 2022, "LLM.int8()".
 */
export interface Bitsandbytes8Storage extends StorageBase {
  kind: "bitsandbytes8";
  tensors: { readonly codes: string; readonly scales: string; readonly format?: string };
  /** Activations of at least this size stay as they are; 0: none. */
  threshold: number;
}

export const bitsandbytes8: StorageKindOf<Bitsandbytes8Storage> = {
  kind: "bitsandbytes8",
  roles: ["codes", "scales", "format"],
  isByRows: false,
  bits: ({ shape }) => 8 + 32 / shape.at(-1)!,
  decode({ shape }, { codes, scales }) {
    const rows = toFloat32(scales!, "float32");
    const columns = shape.at(-1)!;
    const values = new Int8Array(codes!.buffer, codes!.byteOffset, codes!.byteLength);
    return Float32Array.from(values, (code, i) => code * Math.fround(rows[Math.floor(i / columns)]! * perCode));
  },
  codes: () => ({ bits: 8, group: "row", table: "int8", scale: "float32", offset: "none", permuted: false }),
};
