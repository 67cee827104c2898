import { TsumugiError } from "../errors.ts";
import type { TensorInfo } from "../formats/checkpoint.ts";
import type { FindStorage, TensorLookup } from "../formats/quantised/index.ts";
import { exchanged, originRegion } from "../ops/origin.ts";
import type { Weight, WeightOrigin } from "../ops/program.ts";
import type { ModelAdapter } from "./adapters/open-adapter.ts";
import { refuseMissing } from "./missing-weights.ts";

/** The tensors of a checkpoint, by the names of a model's weights. */
export interface BindingSource {
  tensors: ReadonlyMap<string, TensorInfo>;
  /** The name of a tensor in the checkpoint; undefined where it has none. */
  find(tensor: string): string | undefined;
  /** How a tensor is stored, where it is quantised. */
  storageOf: FindStorage;
  /** Bytes of the tensors that `storageOf` reads. */
  bytes: ReadonlyMap<string, Uint8Array>;
  /** Whether the architecture stores a matrix as [inputs, outputs]. */
  isInputsFirst(tensor: string): boolean;
  /** What changes the weights. */
  adapter?: ModelAdapter | undefined;
}

/** Binds weights to the tensors of a checkpoint. */
export interface Binding {
  /** Whether the checkpoint has a tensor, plain or quantised. */
  has(tensor: string): boolean;
  /**
   * Weights whose origins name what is there, in the layout that is there.
   *
   * @throws TsumugiError `weights_missing` with every name, `weight_shape`
   */
  bind(weights: readonly Weight[], modelType: string): Weight[];
}

export function bindingTo({ tensors, find, storageOf, bytes, isInputsFirst, adapter }: BindingSource): Binding {
  const lookup: TensorLookup = {
    find,
    info: (name) => tensors.get(name)!,
    bytes: (name) => bytes.get(name) ?? new Uint8Array(),
    isInputsFirst,
  };
  /** The origin with its tensors as the checkpoint names them, or the names of what is missing. */
  const bound = (origin: WeightOrigin): WeightOrigin | readonly string[] => {
    const replacement = adapter?.replacementOf(origin.tensor);
    const stored = replacement === undefined ? storageOf(origin.tensor, lookup) : undefined;
    if (stored === undefined) {
      const tensor = replacement ?? find(origin.tensor);
      if (tensor === undefined) return [origin.tensor];
      const own = { ...origin, tensor };
      return adapter ? adapter.changed(own, origin.tensor, tensors.get(tensor)!.shape) : own;
    }
    if ("missing" in stored) return stored.missing;
    const { tensor, storage, transposed } = stored;
    const own = { ...(transposed ? exchanged(origin) : origin), tensor, storage };
    return adapter ? adapter.changed(own, origin.tensor, storage.shape) : own;
  };
  /** All origins of a layout, where all of them are there. */
  const layoutOf = (from: readonly WeightOrigin[]): WeightOrigin[] | undefined => {
    const origins = from.map(bound).filter((origin) => "tensor" in origin);
    return origins.length === from.length ? origins : undefined;
  };
  const fits = (weight: Weight) => join(weight, tensors)?.join() === weight.shape.join();
  const bind = ({ alternatives = [], ...weight }: Weight): Weight | readonly string[] => {
    const own = layoutOf(weight.from);
    const others = own ? [] : alternatives.map(layoutOf).filter((from) => from !== undefined);
    // layouts may differ in shape alone: then the one that fits
    const from = own ?? others.find((other) => fits({ ...weight, from: other })) ?? others[0];
    return from ? { ...weight, from } : weight.from.map(bound).flatMap((origin) => ("tensor" in origin ? [] : origin));
  };
  return {
    has: (tensor) => !Array.isArray(bound({ tensor })),
    bind(weights, modelType) {
      const results = weights.map(bind);
      const missing = new Set(results.flatMap((result) => ("from" in result ? [] : result)));
      if (missing.size > 0) refuseMissing([...missing], [...tensors.keys()], modelType);
      const done = results.filter((result) => "from" in result);
      for (const weight of done) if (!fits(weight)) fail(weight, tensors);
      return done;
    },
  };
}

/** Shape of what the origins of a weight give together; undefined where they do not fit together. */
function join({ from, join: way, shape }: Weight, tensors: ReadonlyMap<string, TensorInfo>): readonly number[] | undefined {
  const parts = from.map((origin) => originRegion(origin, storedShape(origin, tensors))?.shape);
  const first = parts[0];
  if (first === undefined || parts.some((part) => part?.slice(1).join() !== first.slice(1).join())) return undefined;
  const rowsOf = (run: typeof parts) => run.reduce((sum, part) => sum + part![0]!, 0);
  if (way !== "stack") return parts.length > 1 ? [rowsOf(parts), ...first.slice(1)] : first;
  const run = parts.length / shape[0]!;
  if (!Number.isInteger(run)) return undefined;
  const rows = Array.from({ length: shape[0]! }, (_, at) => rowsOf(parts.slice(at * run, (at + 1) * run)));
  return rows.every((count) => count === rows[0]) ? [shape[0]!, rows[0]!, ...first.slice(1)] : undefined;
}

function storedShape({ tensor, storage }: WeightOrigin, tensors: ReadonlyMap<string, TensorInfo>): readonly number[] {
  return storage?.shape ?? tensors.get(tensor)!.shape;
}

function fail(weight: Weight, tensors: ReadonlyMap<string, TensorInfo>): never {
  const given = weight.from.map((origin) => `${origin.tensor} [${storedShape(origin, tensors).join(", ")}]`).join(" and ");
  throw new TsumugiError("weight_shape", { name: weight.name, expected: `[${weight.shape.join(", ")}]`, given });
}
