import { TsumugiError } from "../errors.ts";
import type { CheckpointTensors, TensorInfo } from "../formats/checkpoint.ts";
import type { Model, Weight, WeightOrigin } from "../ops/program.ts";
import * as arch from "./arch/index.ts";
import type { Architecture } from "./define.ts";

const architectures: readonly Architecture[] = Object.values(arch);

/** `model_type` values that can be loaded, sorted. */
export const supportedModelTypes: readonly string[] = architectures.map(({ modelType }) => modelType).sort();

/**
 * The model of a config.json, as data, before any checkpoint is seen.
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
  const architecture = architectureOf(config);
  return architecture.build(config, architecture.isTied(config));
}

/**
 * The model of a config.json, bound to a checkpoint: every weight names tensors that are there and have its shape.
 *
 * Tensor names may lack the base model's prefix ("model.", "transformer."), or be those of older checkpoints. A tied head
 * follows transformers: the one of the two tensors that is there serves both, and where both are there with different
 * values they are not tied.
 *
 * @throws TsumugiError as `buildModel`, and `weights_missing`, `weight_shape`.
 */
export async function loadModel(config: unknown, source: CheckpointTensors): Promise<Model> {
  const architecture = architectureOf(config);
  const tensors = new Map(source.tensors().map((tensor) => [tensor.name, tensor]));
  const { prefix, tie, olderNames } = architecture;
  const find = (name: string): string | undefined => {
    if (tensors.has(name)) return name;
    const module = Object.keys(olderNames).find((current) => name.startsWith(`${current}.`));
    const older = module && olderNames[module] + name.slice(module.length);
    if (older && tensors.has(older)) return older;
    const bare = name.startsWith(prefix) ? name.slice(prefix.length) : undefined;
    return bare !== undefined && tensors.has(bare) ? bare : undefined;
  };
  const embedding = find(`${tie.embedding}.weight`);
  const head = find(`${tie.head}.weight`);
  let tied = architecture.isTied(config);
  if (tied && embedding && head && source.read) tied = equal(await source.read(embedding), await source.read(head));
  const model = architecture.build(config, tied, (tensor) => find(tensor) !== undefined);

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
    const other = alternatives.length > 0 && !isThere(weight.from) ? alternatives.find(isThere) : undefined;
    return { ...weight, from: (other ?? weight.from).map(bindOrigin) };
  });
  if (missing.length > 0) {
    const names = [...new Set(missing)];
    const shown = names.slice(0, 10).join(", ") + (names.length > 10 ? ", …" : "");
    throw new TsumugiError("weights_missing", { count: names.length, names: shown, modelType: model.modelType });
  }
  for (const weight of weights) checkShape(weight, tensors);
  return { ...model, weights };
}

function architectureOf(config: unknown): Architecture {
  const modelType = typeof config === "object" && config !== null && "model_type" in config ? config.model_type : undefined;
  const architecture = architectures.find((candidate) => candidate.modelType === modelType);
  if (architecture) return architecture;
  throw new TsumugiError("model_unsupported", { given: modelType ?? "nothing", supported: supportedModelTypes.join(", ") });
}

/** What the origins of a weight give must be the weight's shape. */
function checkShape(weight: Weight, tensors: ReadonlyMap<string, TensorInfo>): void {
  const parts = weight.from.map((origin) => {
    let shape = [...tensors.get(origin.tensor)!.shape];
    const { index, mxfp4Scales, slice, transpose } = origin;
    if (index !== undefined) {
      if (index >= shape[0]!) fail(weight, tensors);
      shape = shape.slice(1);
    }
    if (mxfp4Scales !== undefined) shape = [...shape.slice(0, -2), 2 * shape.at(-2)! * shape.at(-1)!];
    if (slice) {
      if ((shape[slice.axis] ?? 0) < slice.end) fail(weight, tensors);
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
  if (!agree || joined.join() !== weight.shape.join()) fail(weight, tensors);
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
