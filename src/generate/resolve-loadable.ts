import { type HubOptions, type ModelDirectory, resolveModel } from "../hub/index.ts";
import type { ModelFiles } from "../hub/model-files.ts";
import { modelKindOf } from "../models/index.ts";
import { type AutoModelName, checkModelClass } from "./model-class.ts";
import { readConfig } from "./read-config.ts";

/**
 * The files of a model that is to be loaded here. A model that cannot be, by its config.json, is refused before its weights
 * are downloaded. `asked`: refuse models of the other kind too.
 *
 * @throws `model_unsupported`, `config_unsupported`, `model_class`, `model_incomplete`, and the Hub's errors
 */
export function resolveLoadable(idOrDirectory: string, hub: HubOptions, asked?: AutoModelName): Promise<ModelDirectory> {
  return resolveModel(idOrDirectory, { ...hub, beforeWeights: (files) => checkBeforeWeights(files, asked) });
}

async function checkBeforeWeights(files: ModelFiles, asked?: AutoModelName): Promise<void> {
  if ((await files.readBytes("config.json")) === undefined) return; // an adapter: its base has the config.json
  const { modelType, hasEncoder } = modelKindOf(await readConfig(files));
  checkModelClass(modelType, hasEncoder, asked);
}
