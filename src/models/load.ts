import { TsumugiError } from "../errors.ts";
import { isAdapterTensor } from "../formats/adapted-checkpoint.ts";
import type { CheckpointTensors } from "../formats/checkpoint.ts";
import { type FindStorage, openQuantisation, quantisationReads } from "../formats/quantised/index.ts";
import type { Model } from "../ops/program.ts";
import { warn } from "../util/warnings.ts";
import { replacedTensor } from "./adapters/adapter-tensors.ts";
import { type AdapterSource, openAdapter } from "./adapters/open-adapter.ts";
import * as arch from "./arch/index.ts";
import { bindingTo } from "./bind.ts";
import { sizesOf } from "./check-sizes.ts";
import type { Architecture } from "./define.ts";
import { isMultimodal, multimodalTypesOf, textModelOf } from "./multimodal.ts";
import { tensorFinder } from "./tensor-names.ts";
import { refuseType } from "./unsupported-type.ts";
import { unusedTensors } from "./unused-tensors.ts";

const architectures: readonly Architecture[] = Object.values(arch);

/**
 * `model_type` values that can be loaded, sorted.
 *
 * @example
 * ```ts
 * console.log(supportedModelTypes.includes("llama")); // true
 * ```
 */
export const supportedModelTypes: readonly string[] = architectures.map(({ modelType }) => modelType).sort();

/**
 * `model_type` values of multimodal models whose text part can be loaded, sorted: without images, audio or video.
 *
 * @example
 * ```ts
 * console.log(supportedMultimodalTypes.includes("gemma3")); // true
 * ```
 */
export const supportedMultimodalTypes: readonly string[] = multimodalTypesOf(supportedModelTypes).sort();

/**
 * The model of a config.json, as data, before any checkpoint is seen. Of a multimodal model, its text part.
 *
 * @param config - The parsed config.json. Both transformers 4 and 5 keys are read (`rope_scaling` and `rope_parameters`).
 * @throws TsumugiError `model_unsupported` (unknown `model_type`), `config_invalid`, `config_unsupported`.
 * @example
 * ```ts
 * const model = buildModel(JSON.parse(await readFile("config.json", "utf8")));
 * console.log(model.weights.length, model.programs.decode.ops.length);
 * ```
 */
export function buildModel(config: unknown): Model {
  const { architecture, fields, mayTie } = readConfig(config);
  return architecture.build(fields, mayTie === true);
}

/** What a config.json says before anything is built of it. */
export interface ModelKind {
  modelType: string;
  /** Whether an encoder reads the input. */
  hasEncoder: boolean;
}

/**
 * The kind of model that a config.json describes, where it can be loaded. Nothing is built, so that the work does not grow with
 * the numbers that stand there; the rest is checked by `loadModel`.
 *
 * @throws TsumugiError `model_unsupported`, `config_unsupported` (how weights are quantised)
 */
export function modelKindOf(config: unknown): ModelKind {
  const { modelType, hasEncoder } = readConfig(config).architecture;
  return { modelType, hasEncoder: hasEncoder === true };
}

/**
 * The model of a config.json, bound to a checkpoint: every weight names tensors that are there and have its shape. Of a
 * multimodal model, its text part; other tensors are left alone.
 *
 * Tensor names may lack the base model's prefix ("model.", "transformer."), or be those of older checkpoints. A tied head
 * follows transformers: the one of the two tensors that is there serves both, and where both are there with different
 * values they are not tied.
 *
 * An adapter changes the matrices that it is for, as in transformers with peft: `source` then has its tensors, too
 * (`withAdapter`). A head that is tied in the model alone stays as it is where the adapter changes the embedding.
 *
 * @throws TsumugiError as `buildModel`, and `weights_missing`, `weight_shape`, `adapter_unsupported`, `adapter_invalid`.
 */
export async function loadModel(config: unknown, source: CheckpointTensors, beside?: AdapterSource): Promise<Model> {
  const { architecture, fields, mayTie, storageOf, reads } = readConfig(config);
  const tensors = new Map(source.tensors().map((tensor) => [tensor.name, tensor]));
  const { tie } = architecture;
  const adapter = beside && openAdapter(beside, architecture);
  const find = tensorFinder(architecture, tensors);
  const embedding = find(`${tie.embedding}.weight`);
  const head = find(`${tie.head}.weight`);
  let tied = mayTie ?? head === undefined;
  if (tied && embedding && head && source.read) tied = equal(await source.read(embedding), await source.read(head));
  const parts = tied && adapter?.touches(tie.embedding) !== adapter?.touches(tie.head);
  if (parts && architecture.hasEncoder) {
    const reason = "it changes one of the embedding and the head, which an encoder-decoder model has in common";
    throw new TsumugiError("adapter_unsupported", { directory: beside!.directory, reason });
  }
  const bytes = await readNamed(source, reads);
  const binding = bindingTo({
    tensors,
    bytes,
    isInputsFirst: (tensor) => architecture.storesInputsFirst && tensor !== `${tie.head}.weight`,
    find(tensor) {
      const own = find(tensor);
      if (own !== undefined || !tied) return own;
      if (tensor === `${tie.embedding}.weight`) return head;
      return tensor === `${tie.head}.weight` ? embedding : undefined;
    },
    storageOf,
    adapter,
  });
  const isTied = tied && !parts && adapter?.touches(tie.embedding) !== true;
  const model = architecture.build(fields, isTied, { sizes: sizesOf(source.tensors()), has: binding.has });
  const bound = { ...model, weights: binding.bind(model.weights, model.modelType) };
  if (adapter) warnOfUnread(beside!, adapter.unread(bound.weights, isMultimodal(config)));
  return bound;
}

/** What PEFT leaves out is left out, but not without a word. */
function warnOfUnread({ directory }: AdapterSource, names: readonly string[]): void {
  if (names.length === 0) return;
  const shown = names.slice(0, 5).join(", ") + (names.length > 5 ? ", …" : "");
  warn(`The adapter in ${directory} holds ${names.length} tensors that change nothing in the model: ${shown}.`);
}

/**
 * Names of tensors of the checkpoint that the model does not read although they are none of the buffers and further parts
 * that transformers leaves out without a word: mostly a sign that config.json is of another checkpoint.
 *
 * @param model - What `loadModel` made of the two.
 */
export function unusedTensorsOf(model: Model, config: unknown, source: CheckpointTensors, beside?: AdapterSource): string[] {
  const { architecture, fields } = readConfig(config);
  const all = source.tensors().map(({ name }) => name);
  const names = beside ? all.filter((name) => !isAdapterTensor(name)) : all;
  const unused = unusedTensors(model, architecture, fields, names, isMultimodal(config));
  if (!beside || unused.length === 0) return unused;
  // those that the adapter has others for
  const replaced = beside.tensors.map(({ name }) => `.${replacedTensor(name)}`);
  return unused.filter((name) => !replaced.some((other) => other.endsWith(`.${name}`)));
}

/** What a config.json says about a model. */
interface ReadConfig {
  architecture: Architecture;
  fields: unknown;
  /**
   * Whether the head is tied: true also where either config of a multimodal model says so, undefined where neither does and
   * the head's absence decides.
   */
  mayTie: boolean | undefined;
  storageOf: FindStorage;
  /** Whether `storageOf` wants the bytes of a tensor. */
  reads(name: string): boolean;
}

function readConfig(config: unknown): ReadConfig {
  const text = textModelOf(config);
  const refuse = (given: unknown) =>
    refuseType({ given, config, supported: [...supportedModelTypes, ...supportedMultimodalTypes] });
  if ("unsupported" in text) return refuse(text.unsupported);
  const { config: fields, outer } = text;
  const { model_type: modelType, quantization_config: quantisation } = (fields ?? {}) as Record<string, unknown>;
  const architecture = architectures.find((candidate) => candidate.modelType === modelType);
  if (!architecture || (outer && architecture.hasEncoder))
    return refuse(outer ? `${outer.model_type} (its text part is ${modelType})` : modelType);
  const own = architecture.isTied(fields);
  const read = { architecture, fields, storageOf: openQuantisation(quantisation), reads: quantisationReads(quantisation) };
  if (!outer || own || outer.tie_word_embeddings === false) return { ...read, mayTie: own };
  return { ...read, mayTie: outer.tie_word_embeddings === true ? true : undefined };
}

/** The bytes of the tensors that say what others mean. */
async function readNamed(source: CheckpointTensors, reads: ReadConfig["reads"]): Promise<ReadonlyMap<string, Uint8Array>> {
  const bytes = new Map<string, Uint8Array>();
  for (const { name } of source.tensors()) {
    const found = reads(name) ? await source.read?.(name) : undefined;
    if (found) bytes.set(name, found);
  }
  return bytes;
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
