import { TsumugiError } from "../errors.ts";
import type { CheckpointTensors, TensorInfo } from "../formats/checkpoint.ts";
import type { Model, Weight, WeightOrigin } from "../ops/program.ts";
import * as arch from "./arch/index.ts";
import type { Architecture } from "./define.ts";
import { isMultimodal, multimodalTypesOf, textModelOf } from "./multimodal.ts";
import { tensorFinder } from "./tensor-names.ts";
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

/**
 * The model of a config.json, bound to a checkpoint: every weight names tensors that are there and have its shape. Of a
 * multimodal model, its text part; other tensors are left alone.
 *
 * Tensor names may lack the base model's prefix ("model.", "transformer."), or be those of older checkpoints. A tied head
 * follows transformers: the one of the two tensors that is there serves both, and where both are there with different
 * values they are not tied.
 *
 * @throws TsumugiError as `buildModel`, and `weights_missing`, `weight_shape`.
 */
export async function loadModel(config: unknown, source: CheckpointTensors): Promise<Model> {
  const { architecture, fields, mayTie } = readConfig(config);
  const tensors = new Map(source.tensors().map((tensor) => [tensor.name, tensor]));
  const { tie } = architecture;
  const find = tensorFinder(architecture, tensors);
  const embedding = find(`${tie.embedding}.weight`);
  const head = find(`${tie.head}.weight`);
  let tied = mayTie ?? head === undefined;
  if (tied && embedding && head && source.read) tied = equal(await source.read(embedding), await source.read(head));
  const model = architecture.build(fields, tied, (tensor) => find(tensor) !== undefined);

  const missing: string[] = [];
  const bindOrigin = (origin: WeightOrigin): WeightOrigin => {
    const found = find(origin.tensor) ?? (tied && origin.tensor === `${tie.embedding}.weight` ? head : undefined);
    if (found === undefined) missing.push(origin.tensor);
    const scales = origin.mxfp4Scales && find(origin.mxfp4Scales);
    if (origin.mxfp4Scales && !scales) missing.push(origin.mxfp4Scales);
    return { ...origin, tensor: found ?? origin.tensor, ...(scales && { mxfp4Scales: scales }) };
  };
  const isThere = (from: readonly WeightOrigin[]) =>
    from.every(({ tensor, mxfp4Scales }) => find(tensor) !== undefined && (!mxfp4Scales || find(mxfp4Scales) !== undefined));
  const weights = model.weights.map(({ alternatives = [], ...weight }) => {
    // layouts may differ in shape alone: then the one that fits
    const others = isThere(weight.from) ? [] : alternatives.filter(isThere).map((from) => from.map(bindOrigin));
    const from = others.find((other) => fits({ ...weight, from: other }, tensors)) ?? others[0] ?? weight.from.map(bindOrigin);
    return { ...weight, from };
  });
  if (missing.length > 0) {
    const names = [...new Set(missing)];
    const shown = names.slice(0, 10).join(", ") + (names.length > 10 ? ", …" : "");
    throw new TsumugiError("weights_missing", { count: names.length, names: shown, modelType: model.modelType });
  }
  for (const weight of weights) if (!fits(weight, tensors)) fail(weight, tensors);
  return { ...model, weights };
}

/**
 * Names of tensors of the checkpoint that the model does not read although they are none of the buffers and further parts
 * that transformers leaves out without a word: mostly a sign that config.json is of another checkpoint.
 *
 * @param model - What `loadModel` made of the two.
 */
export function unusedTensorsOf(model: Model, config: unknown, source: CheckpointTensors): string[] {
  const { architecture, fields } = readConfig(config);
  const names = source.tensors().map(({ name }) => name);
  return unusedTensors(model, architecture, fields, names, isMultimodal(config));
}

/**
 * The architecture, its fields, and whether the head is tied: true also where either config of a multimodal model says so,
 * undefined where neither does and the head's absence decides.
 */
function readConfig(config: unknown): { architecture: Architecture; fields: unknown; mayTie: boolean | undefined } {
  const text = textModelOf(config);
  if ("unsupported" in text) return unsupported(text.unsupported);
  const { config: fields, outer } = text;
  const modelType = typeof fields === "object" && fields !== null && "model_type" in fields ? fields.model_type : undefined;
  const architecture = architectures.find((candidate) => candidate.modelType === modelType);
  if (!architecture || (outer && architecture.hasEncoder))
    return unsupported(outer ? `${outer.model_type} (its text part is ${modelType})` : (modelType ?? "nothing"));
  const own = architecture.isTied(fields);
  if (!outer || own || outer.tie_word_embeddings === false) return { architecture, fields, mayTie: own };
  return { architecture, fields, mayTie: outer.tie_word_embeddings === true ? true : undefined };
}

function unsupported(given: unknown): never {
  const types = supportedModelTypes.join(", ");
  const supported = `${types}; the text part of ${supportedMultimodalTypes.join(", ")}`;
  throw new TsumugiError("model_unsupported", { given, supported });
}

/** Whether what the origins of a weight give has the weight's shape. */
function fits(weight: Weight, tensors: ReadonlyMap<string, TensorInfo>): boolean {
  let isInside = true;
  const parts = weight.from.map((origin) => {
    let shape = [...tensors.get(origin.tensor)!.shape];
    const { index, mxfp4Scales, slice, transpose } = origin;
    if (index !== undefined) {
      if (index >= shape[0]!) isInside = false;
      shape = shape.slice(1);
    }
    if (mxfp4Scales !== undefined) shape = [...shape.slice(0, -2), 2 * shape.at(-2)! * shape.at(-1)!];
    if (slice) {
      if ((shape[slice.axis] ?? 0) < slice.end) isInside = false;
      shape[slice.axis] = slice.end - slice.start;
    }
    return transpose ? shape.reverse() : shape;
  });
  const first = parts[0]!;
  let joined = first;
  if (weight.join === "stack") {
    const run = parts.length / weight.shape[0]!;
    const rows = (from: number) => parts.slice(from, from + run).reduce((sum, part) => sum + part[0]!, 0);
    const even = Number.isInteger(run) && parts.every((_, at) => at % run > 0 || rows(at) === rows(0));
    joined = even ? [weight.shape[0]!, rows(0), ...first.slice(1)] : [];
  } else if (parts.length > 1) joined = [parts.reduce((sum, part) => sum + part[0]!, 0), ...first.slice(1)];
  const agree = parts.every((part) => part.slice(1).join() === first.slice(1).join());
  return isInside && agree && joined.join() === weight.shape.join();
}

function fail(weight: Weight, tensors: ReadonlyMap<string, TensorInfo>): never {
  const given = weight.from.map(({ tensor }) => `${tensor} [${tensors.get(tensor)!.shape.join(", ")}]`).join(" and ");
  throw new TsumugiError("weight_shape", { name: weight.name, expected: `[${weight.shape.join(", ")}]`, given });
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
