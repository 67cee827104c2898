import type { GgmlTypeName } from "../../tensor/ggml/types.ts";
import type { GgmlStorage } from "../../tensor/storages/ggml.ts";
import { type QuantisationMethod, refuseFields } from "./method.ts";

/** How a GGUF file stores a tensor. */
export interface GgufStoredTensor {
  type: GgmlTypeName;
  /** Shape of its values. */
  shape: readonly number[];
  /** Rows and columns are exchanged, compared with the model's. */
  transposed?: boolean;
  /** See `GgmlStorage`. */
  heads?: number;
  /** Another tensor that has every other row. */
  odd?: string;
}

/**
 * GGUF files: their reader makes this `quantization_config`, in which `tensors` says how each is stored that is not plain
 * numbers. No config.json on disk has it.
 */
export const gguf: QuantisationMethod = {
  name: "gguf",
  open(config) {
    refuseFields(config, ["tensors"]);
    const tensors = config.tensors as ReadonlyMap<string, GgufStoredTensor> | undefined;
    if (!(tensors instanceof Map)) return () => undefined;
    return (tensor, { find }) => {
      const name = find(tensor);
      const stored = name === undefined ? undefined : tensors.get(name);
      if (name === undefined || stored === undefined) return undefined;
      const { type, shape, transposed = false, heads, odd } = stored;
      const storage: GgmlStorage = {
        ...{ kind: "ggml", type, shape },
        tensors: { blocks: name, ...(odd !== undefined && { odd }) },
        ...(heads !== undefined && { heads }),
      };
      return { tensor: name, storage, transposed };
    };
  },
};
