import { TsumugiError } from "../../errors.ts";
import { awq } from "./awq.ts";
import { bitsandbytes } from "./bitsandbytes.ts";
import { isBitsAndBytes } from "./bitsandbytes-config.ts";
import { compressedTensors } from "./compressed-tensors.ts";
import { fbgemmFp8, fp8 } from "./fp8.ts";
import { gguf } from "./gguf.ts";
import { gptq } from "./gptq.ts";
import type { FindStorage, QuantisationMethod } from "./method.ts";
import { mxfp4 } from "./mxfp4.ts";

export type { FindStorage, StoredTensor, TensorLookup } from "./method.ts";

/** Every method that loads; a new one is its file and its line here. */
const methods: readonly QuantisationMethod[] = [awq, bitsandbytes, compressedTensors, fbgemmFp8, fp8, gguf, gptq, mxfp4];

/**
 * How the tensors of a checkpoint are stored, by `quantization_config` of its config.json. Without one, every tensor is plain.
 *
 * @throws TsumugiError `config_unsupported` for a method, or a field of it, that does not load
 */
export function openQuantisation(config: unknown): FindStorage {
  if (config === undefined || config === null) return () => undefined;
  const fields = typeof config === "object" ? (config as Record<string, unknown>) : {};
  const method = methodOf(fields);
  if (method) return method.open(fields);
  throw new TsumugiError("config_unsupported", {
    field: "quantization_config.quant_method",
    given: fields.quant_method ?? config,
    supported: ["checkpoints that are not quantised", ...methods.map(({ name }) => name)].join(", "),
  });
}

/** Which tensors of a checkpoint say what others mean, by `quantization_config`. */
export function quantisationReads(config: unknown): (name: string) => boolean {
  const method = typeof config === "object" && config !== null ? methodOf(config as Record<string, unknown>) : undefined;
  return (name) => method?.reads?.(name) ?? false;
}

function methodOf(fields: Readonly<Record<string, unknown>>): QuantisationMethod | undefined {
  if (isBitsAndBytes(fields)) return bitsandbytes;
  return methods.find(({ name }) => name === fields.quant_method);
}
