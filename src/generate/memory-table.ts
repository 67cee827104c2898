import type { AvailableMemory, Backend } from "../backends/backend.ts";
import { createBackend } from "../backends/devices.ts";
import { TsumugiError } from "../errors.ts";
import type { HubOptions } from "../hub/index.ts";
import { loadModel } from "../models/index.ts";
import type { Model } from "../ops/program.ts";
import { oneOf } from "../util/one-of.ts";
import { parseOption, whole } from "../util/schemas.ts";
import { refuseUnknown } from "../util/unknown-options.ts";
import { checkModelOptions, fromPretrainedNames, type ModelOptions } from "./load-options.ts";
import { formatBytes, memoryFormats, parameterCount } from "./memory-formats.ts";
import { openModel } from "./open-model.ts";
import { planSession } from "./plan-session.ts";

/** Options of `memoryTable`. */
export interface MemoryTableOptions
  extends Pick<HubOptions, "revision" | "cacheDir" | "token" | "localFilesOnly" | "onProgress"> {
  /** Names of formats: float32, bfloat16, float16, int8, int4, nf4, nf4-double, fp4, … Default: the first, second, fourth and those of nf4. */
  dtypes?: readonly string[] | undefined;
  /** Tokens that the cache holds. Default 1,024, or the model's context where that is less. */
  contextTokens?: number | undefined;
  /** Type of the KV cache. Default "auto": as loading chooses it for each format. */
  kvCacheDtype?: ModelOptions["kvCacheDtype"];
}

/** Bytes that a model takes in one format: arithmetic. */
export interface MemoryRow {
  dtype: string;
  /** Parameters × bits, as it is often reckoned. */
  parametersTimesBits: number;
  /** With scales, padding, and what stays in another type. */
  weights: number;
  /** Of one sequence of `contextTokens`. */
  cache: number;
  workspace: number;
  total: number;
  /** Whether `total` fits into the memory that is free here; absent: nothing is known of it. */
  fits?: boolean;
  /** True where the device said what it would take; false: reckoned from the shapes of the weights alone. */
  isPlanned: boolean;
}

/** The memory of a model in several formats. */
export interface MemoryTable {
  /** Hub id or folder, as given. */
  model: string;
  modelType: string;
  /** Tied ones counted once. */
  parameters: number;
  contextTokens: number;
  available?: AvailableMemory;
  rows: MemoryRow[];
}

export const defaultMemoryFormats: readonly string[] = ["float32", "bfloat16", "int8", "nf4", "nf4-double"];

/**
 * What a model takes in each format, without loading it: from the headers of its weights. Downloads it if need be.
 *
 * @throws `invalid_option` for a format that is not known; what `fromPretrained` throws for a model that is not there
 *
 * @example
 * ```ts
 * const { parameters, rows } = await memoryTable("tsumugi-mini", { dtypes: ["bfloat16", "nf4"] });
 * for (const { dtype, parametersTimesBits, weights, total } of rows) console.log(dtype, parametersTimesBits, weights, total);
 * ```
 */
export async function memoryTable(idOrDirectory: string, options: MemoryTableOptions = {}): Promise<MemoryTable> {
  const names = ["revision", "cacheDir", "token", "localFilesOnly", "onProgress", "dtypes", "contextTokens", "kvCacheDtype"];
  refuseUnknown(options, names);
  const { dtypes = defaultMemoryFormats, contextTokens: asked, kvCacheDtype, ...hub } = options;
  for (const dtype of dtypes) oneOf("dtypes", dtype, Object.keys(memoryFormats));
  if (asked !== undefined) parseOption(whole(1), asked, "contextTokens");
  const backend = await createBackend("auto");
  const { files, config, checkpoint, adapter } = await openModel(idOrDirectory, hub);
  try {
    const model = await loadModel(config, checkpoint, adapter);
    const contextTokens = asked ?? Math.min(1024, model.maxPositions);
    const available = backend.availableMemory?.();
    const plan = (options: ModelOptions) => {
      const sizes = { contextTokens, maxBatchSize: 1, checkMemory: false, kvCacheDtype };
      return planOf({ model, config, checkpoint, backend }, { ...options, ...sizes });
    };
    const rows = dtypes.map((dtype) => {
      const row = rowOf(model, dtype, plan);
      return { ...row, ...(available && { fits: row.total <= available.bytes }) };
    });
    const parameters = parameterCount(model);
    return { model: files.id, modelType: model.modelType, parameters, contextTokens, ...(available && { available }), rows };
  } finally {
    await checkpoint.close();
  }
}

type Plan = ReturnType<Backend["plan"]>;

function planOf(parts: Parameters<typeof planSession>[0], options: ModelOptions): Plan {
  const { model, limits } = planSession(parts, options);
  return parts.backend.plan(model, parts.checkpoint, limits);
}

function rowOf(model: Model, dtype: string, plan: (options: ModelOptions) => Plan): MemoryRow {
  const format = memoryFormats[dtype]!;
  const parametersTimesBits = (parameterCount(model) * format.bits) / 8;
  try {
    if (format.options) {
      checkModelOptions(format.options, fromPretrainedNames);
      return { dtype, parametersTimesBits, ...plan(format.options), isPlanned: true };
    }
  } catch (error) {
    // what cannot be loaded so is reckoned
    if (!TsumugiError.isInstance(error)) throw error;
  }
  const { cache, workspace } = plan({ dtype: "bfloat16" });
  const weights = formatBytes(model, dtype, format);
  return { dtype, parametersTimesBits, weights, cache, workspace, total: weights + cache + workspace, isPlanned: false };
}
