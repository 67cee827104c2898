import type { Backend } from "../backends/backend.ts";
import { readModelSettings } from "../decoding/read-generation-config.ts";
import { Engine } from "../engine/engine.ts";
import { TsumugiError } from "../errors.ts";
import type { Checkpoint } from "../formats/checkpoint.ts";
import { weightNames } from "../formats/weight-files.ts";
import type { ModelFiles } from "../hub/model-files.ts";
import { type AdapterSource, loadModel, unusedTensorsOf } from "../models/index.ts";
import type { Model } from "../ops/program.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { warn } from "../util/warnings.ts";
import type { CausalLMParts } from "./causal-lm.ts";
import type { ModelOptions } from "./load-options.ts";
import { loadTokenizer } from "./load-tokenizer.ts";
import { type AutoModelName, checkModelClass } from "./model-class.ts";
import { planSession } from "./plan-session.ts";
import { readObject } from "./read-config.ts";

/** What a model is made of. */
export interface ModelParts {
  files: ModelFiles;
  /** config.json. */
  config: Record<string, unknown>;
  /** Where there is an adapter, with its tensors beside the model's. */
  checkpoint: Checkpoint;
  adapter?: AdapterSource;
  backend: Backend;
}

type PlacedOptions = ModelOptions & { threads?: number };

/**
 * A model on a device, of files that are open: wherever they are, and whatever they are read with. `asked`: refuse models of
 * the other kind; absent, both are taken.
 *
 * @throws what `fromPretrained` throws behind its options and files
 */
export async function assembleModel(parts: ModelParts, options: PlacedOptions, asked?: AutoModelName): Promise<CausalLMParts> {
  const { files, config, checkpoint, adapter } = parts;
  refuseOtherFile(config.transformers_weights);
  const model = await loadModel(config, checkpoint, adapter);
  checkModelClass(model.modelType, model.programs.encode !== undefined, asked);
  warnOfUnused(files, unusedTensorsOf(model, config, checkpoint, adapter));
  return assemble({ ...parts, model }, options);
}

/** transformers takes the weights from the file that this field names. */
function refuseOtherFile(named: unknown): void {
  if (named === undefined || named === null || weightNames.some((name) => name === named)) return;
  throw new TsumugiError("config_unsupported", {
    field: "transformers_weights",
    given: named,
    supported: weightNames.join(", "),
  });
}

/** Weights that config.json has no place for are left out, as in transformers, but not without a word. */
function warnOfUnused({ id }: ModelFiles, unused: readonly string[]): void {
  if (unused.length === 0) return;
  const shown = unused.slice(0, 5).join(", ") + (unused.length > 5 ? ", …" : "");
  const count = unused.length === 1 ? "1 tensor" : `${unused.length} tensors`;
  warn(`The checkpoint of \`${id}\` holds ${count} that the model of its config.json does not use: ${shown}.`);
}

interface Loaded extends ModelParts {
  model: Model;
}

async function assemble(parts: Loaded, options: PlacedOptions): Promise<CausalLMParts> {
  const { files, config, checkpoint, backend } = parts;
  const settings = readModelSettings(await readGenerationFile(files), config);
  const { model, dtype, maxBatchSize, limits } = planSession(parts, options);
  const { threads, signal, onProgress } = options;
  const session = await backend.prepare(model, checkpoint, limits, { onProgress, threads, signal });
  const engine = new Engine({ model, session, limits });
  let tokenizer: Promise<Tokenizer> | undefined;
  return {
    id: files.id,
    config,
    generationConfig: settings.generationConfig,
    settingsFile: settings.file,
    model,
    engine,
    session,
    device: backend.name,
    dtype,
    maxBatchSize,
    loadTokenizer() {
      tokenizer ??= loadTokenizer(files);
      return tokenizer;
    },
  };
}

/** generation_config.json; as in transformers, one that is no JSON counts as absent. */
async function readGenerationFile(files: ModelFiles): Promise<Record<string, unknown> | undefined> {
  try {
    return await readObject(files, "generation_config.json");
  } catch (error) {
    if (!TsumugiError.isInstance(error) || error.code !== "invalid_json_file") throw error;
    warn(`${error.message} The settings of config.json take its place.`);
    return undefined;
  }
}
