import { awq } from "./awq.ts";
import { bitsandbytes4 } from "./bitsandbytes4.ts";
import { bitsandbytes8 } from "./bitsandbytes8.ts";
import { coded } from "./coded.ts";
import { ggml } from "./ggml.ts";
import { gptq } from "./gptq.ts";
import type { StorageKindOf } from "./kind.ts";
import { mxfp4 } from "./mxfp4.ts";
import { packed } from "./packed.ts";
import { scaled8 } from "./scaled8.ts";

/** Every kind of storage; a new one is its file and its line here. */
const kinds = { awq, bitsandbytes4, bitsandbytes8, coded, ggml, gptq, mxfp4, packed, scaled8 };

type Kinds = typeof kinds;

/** How values are stored that a checkpoint does not hold as plain numbers: a union by kind. */
export type TensorStorage = {
  [Kind in keyof Kinds]: Kinds[Kind] extends StorageKindOf<infer Storage> ? Storage : never;
}[keyof Kinds];
export type StorageKind = TensorStorage["kind"];

/** The kind of a storage, as one that takes any. */
export function kindOf({ kind }: Pick<TensorStorage, "kind">): StorageKindOf<TensorStorage> {
  return kinds[kind] as unknown as StorageKindOf<TensorStorage>;
}

export const storageKinds = Object.keys(kinds) as readonly StorageKind[];
