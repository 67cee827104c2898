import { TsumugiError } from "../errors.ts";
import { withAdapter } from "../formats/adapted-checkpoint.ts";
import type { Checkpoint } from "../formats/checkpoint.ts";
import type { ModelFiles } from "../hub/model-files.ts";
import type { AdapterSource } from "../models/index.ts";
import { isRecord } from "../util/json-value.ts";

/** The weights of a model, with an adapter where one lies beside it. */
export interface Weights {
  checkpoint: Checkpoint;
  adapter?: AdapterSource;
}

/** adapter_config.json among the files of a model; undefined where there is none. */
export async function readAdapterConfig(files: ModelFiles): Promise<Record<string, unknown> | undefined> {
  const config = await files.readJson("adapter_config.json");
  if (config === undefined || isRecord(config)) return config;
  throw new TsumugiError("adapter_invalid", {
    directory: files.directory,
    reason: "adapter_config.json does not hold an object",
  });
}

/** Refuses an adapter whose weights are not there. */
export function refuseBareAdapter(directory: string, names: readonly string[]): never {
  const pickle = names.includes("adapter_model.bin");
  const reason = pickle
    ? "its weights are adapter_model.bin, a pickle, and only safetensors are read: load it with peft and save it with `save_pretrained`"
    : "adapter_config.json is there, and adapter_model.safetensors is not";
  throw new TsumugiError("adapter_invalid", { directory, reason });
}

/** A model's weights with those of the adapter. */
export function joinWeights(model: Checkpoint, adapter: Checkpoint, directory: string, config: unknown): Weights {
  return { checkpoint: withAdapter(model, adapter), adapter: { directory, config, tensors: adapter.tensors() } };
}

/** The files of an adapter, and behind them those of its base model: what only one of the two has is found. */
export function withBaseFiles(own: ModelFiles, base: ModelFiles): ModelFiles {
  return {
    id: own.id,
    directory: own.directory,
    list: async () => [...new Set([...(await own.list()), ...(await base.list())])].sort(),
    readText: async (file) => (await own.readText(file)) ?? base.readText(file),
    readBytes: async (file) => (await own.readBytes(file)) ?? base.readBytes(file),
    readJson: async (file) => (await own.readJson(file)) ?? base.readJson(file),
  };
}
