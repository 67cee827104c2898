import { TsumugiError } from "../../errors.ts";
import type { TensorStorage } from "../../tensor/storage.ts";
import type { TensorInfo } from "../../tensor/tensor-info.ts";

/** The tensors of a checkpoint, by the names that a model uses. */
export interface TensorLookup {
  /** The name of a tensor in the checkpoint; undefined where it has none. */
  find(tensor: string): string | undefined;
  /** A tensor by its name in the checkpoint. */
  info(name: string): TensorInfo;
  /** The bytes of a tensor that the method `reads`. */
  bytes(name: string): Uint8Array;
  /** Whether plain checkpoints of the architecture store a matrix as [inputs, outputs] (GPT-2's Conv1D). */
  isInputsFirst(tensor: string): boolean;
}

/** How a checkpoint stores what the model knows as one plain tensor. */
export interface StoredTensor {
  /** The name that the plain tensor would have in the checkpoint. */
  tensor: string;
  storage: TensorStorage;
  /** Its rows and columns are exchanged, compared with the plain tensor. */
  transposed: boolean;
}

/**
 * The storage of a plain tensor; what is missing where only a part of it is there; undefined where the tensor is not
 * quantised, and stands under its own name.
 */
export type FindStorage = (tensor: string, lookup: TensorLookup) => StoredTensor | { missing: readonly string[] } | undefined;

/** A way of quantising checkpoints, as `quantization_config` of config.json names it. */
export interface QuantisationMethod {
  /** `quant_method`. */
  name: string;
  /** Whether a tensor of the checkpoint, by its name there, says what others mean: its bytes are read before. Default: none. */
  reads?(name: string): boolean;
  /**
   * Reads `quantization_config`. Every field that changes what values mean is honoured or refused.
   *
   * @throws TsumugiError `config_unsupported`
   */
  open(config: Readonly<Record<string, unknown>>): FindStorage;
}

/** Refuses fields of `quantization_config` that a method does not know: they may change what the tensors mean. */
export function refuseFields(config: Readonly<Record<string, unknown>>, known: readonly string[], within = ""): void {
  for (const [field, given] of Object.entries(config)) {
    if ((within === "" && field === "quant_method") || known.includes(field)) continue;
    throw new TsumugiError("config_unsupported", {
      field: `quantization_config.${within}${field}`,
      given,
      supported: known.join(", ") + (within === "" ? ` with quant_method ${config.quant_method}` : ""),
    });
  }
}
