import { TsumugiError } from "../../errors.ts";
import type { TensorInfo } from "../../formats/checkpoint.ts";

/** The tensors of a LoRA adapter that change one module. */
export interface ModuleChange {
  /** [rank, inputs] */
  down?: TensorInfo;
  /** [outputs, rank] */
  up?: TensorInfo;
  /** [outputs], of DoRA. */
  magnitude?: TensorInfo;
  /** The module is a table: its matrix is [inputs, outputs]. */
  isTable: boolean;
}

/** The tensors of an adapter's file, by what they are for. */
export interface AdapterTensors {
  /** By module. */
  changes: ReadonlyMap<string, ModuleChange>;
  /** Tensors that stand in place of the model's own (`modules_to_save`, biases), by the name that the model has for them. */
  replacements: ReadonlyMap<string, TensorInfo>;
}

const loraName = /^(.+)\.lora_(A|B|embedding_A|embedding_B|magnitude_vector)(?:\.weight)?$/;

/** The tensor of the model in whose place one of an adapter's stands. */
export function replacedTensor(name: string): string {
  return name.replace(/^base_model\.model\./, "").replace(/\.(base_layer|modules_to_save(\.default)?)\./, ".");
}

/** Sorts the tensors of an adapter. @throws TsumugiError `adapter_unsupported`, `adapter_invalid` */
export function sortAdapterTensors(tensors: readonly TensorInfo[], directory: string): AdapterTensors {
  const changes = new Map<string, ModuleChange>();
  const replacements = new Map<string, TensorInfo>();
  for (const tensor of tensors) {
    const name = tensor.name.replace(/^base_model\.model\./, "");
    const [, module, part] = loraName.exec(name) ?? [];
    if (module === undefined || part === undefined) {
      if (/\.(lora_|trainable_tokens_|token_adapter\.)/.test(name)) {
        const reason = `its tensor ${tensor.name} is none of lora_A, lora_B, lora_embedding_A, lora_embedding_B and lora_magnitude_vector`;
        throw new TsumugiError("adapter_unsupported", { directory, reason });
      }
      replacements.set(replacedTensor(tensor.name), tensor);
      continue;
    }
    const change = changes.get(module) ?? { isTable: part.startsWith("embedding") };
    if (part.endsWith("A")) change.down = tensor;
    else if (part.endsWith("B")) change.up = tensor;
    else change.magnitude = tensor;
    changes.set(module, change);
  }
  return { changes, replacements };
}
