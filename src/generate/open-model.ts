import { TsumugiError } from "../errors.ts";
import { openGguf } from "../formats/file-gguf.ts";
import { filesIn, openCheckpoint, openSafetensors } from "../formats/index.ts";
import { describeOtherWeights, findWeightFiles, weightNames } from "../formats/weight-files.ts";
import { type GgufLocation, type HubOptions, type ModelDirectory, resolveGguf } from "../hub/index.ts";
import { warn } from "../util/warnings.ts";
import { joinWeights, readAdapterConfig, refuseBareAdapter, type Weights, withBaseFiles } from "./adapter-files.ts";
import type { ModelParts } from "./assemble-model.ts";
import { ggufModelFiles } from "./gguf-files.ts";
import type { AutoModelName } from "./model-class.ts";
import { readConfig } from "./read-config.ts";
import { resolveLoadable } from "./resolve-loadable.ts";

/** Where a model is looked for. */
export interface OpenOptions extends HubOptions {
  /** A GGUF file of the folder or the repository, which is the model. */
  ggufFile?: string | undefined;
}

/**
 * The files of a model, open: a folder, a GGUF file, or what the Hub has under an id. Where there is an adapter without a model, the base
 * model that it names is opened with it. Close `checkpoint` when done.
 *
 * @throws what `resolveLoadable`, `openCheckpoint` and `openGguf` throw, and `adapter_invalid`, `adapter_base_missing`
 */
export async function openModel(
  idOrDirectory: string,
  { ggufFile, ...hub }: OpenOptions,
  asked?: AutoModelName,
): Promise<Omit<ModelParts, "backend">> {
  const location = await resolveGguf(idOrDirectory, ggufFile, hub);
  if (location) return openGgufModel(location);
  const files = await resolveLoadable(idOrDirectory, hub, asked);
  const adapterConfig = await readAdapterConfig(files);
  if (adapterConfig === undefined) {
    if (files.path("config.json") === undefined) await refuseBareFolder(files.directory);
    return { files, config: await readConfig(files), checkpoint: await openCheckpoint(files.directory) };
  }
  const base = hasModel(files) ? files : await resolveBase(files, adapterConfig.base_model_name_or_path, hub, asked);
  const config = await readConfig(base);
  const weights = await openWithAdapter(files, base, adapterConfig);
  return { files: base === files ? files : withBaseFiles(files, base), config, ...weights };
}

async function openGgufModel({ id, paths }: GgufLocation): Promise<Omit<ModelParts, "backend">> {
  const { config, metadata, checkpoint } = await openGguf(paths);
  return { files: ggufModelFiles(id, paths[0]!, metadata, config), config, checkpoint };
}

/** Refuses a folder without config.json: with what is there, and what to do. */
async function refuseBareFolder(directory: string): Promise<never> {
  const names = await filesIn(directory);
  const inner = names.find((name) => /^[^/]+\/config\.json$/.test(name));
  const others = findWeightFiles(names).weights === undefined ? describeOtherWeights(names, directory) : undefined;
  const found = inner ? `There is ${inner}: give the path of its folder` : others;
  const reason = found === undefined ? "has no config.json" : `has no config.json. ${found.replace(/\.$/, "")}`;
  throw new TsumugiError("model_incomplete", { directory, reason });
}

/** Whether a folder holds a whole model; if not, an adapter in it is an adapter alone. */
function hasModel(files: ModelDirectory): boolean {
  return files.path("config.json") !== undefined && weightNames.some((name) => files.path(name) !== undefined);
}

async function openWithAdapter(files: ModelDirectory, base: ModelDirectory, config: unknown): Promise<Weights> {
  const file = files.path("adapter_model.safetensors");
  if (file === undefined) refuseBareAdapter(files.directory, await files.list());
  const adapter = await openSafetensors([file]);
  try {
    return joinWeights(await openCheckpoint(base.directory), adapter, files.directory, config);
  } catch (error) {
    await adapter.close();
    throw error;
  }
}

/** What says that a base model is not there, or not to be had. */
const missing = /^(model_not_found|model_incomplete|hub_.*)$/;

async function resolveBase(
  { directory }: ModelDirectory,
  named: unknown,
  hub: HubOptions,
  asked?: AutoModelName,
): Promise<ModelDirectory> {
  const fail = (base: string, reason: string, cause?: unknown): never => {
    throw new TsumugiError("adapter_base_missing", { directory, base, reason }, { cause });
  };
  if (typeof named !== "string" || named === "") return fail("nothing", "it has no such name");
  // the revision that was asked for is the adapter's
  const options = { ...hub, revision: undefined };
  try {
    const base = await resolveLoadable(named, options, asked);
    if (!hasModel(base)) fail(named, "there is no model either");
    if (base.path("adapter_config.json") !== undefined) {
      warn(`The base model \`${named}\` has an adapter of its own, which is not applied: that of ${directory} is.`);
    }
    return base;
  } catch (error) {
    if (!TsumugiError.isInstance(error) || !missing.test(error.code)) throw error;
    return fail(named, error.message.replace(/\.$/, ""), error);
  }
}
