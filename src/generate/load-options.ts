import type { DeviceName } from "../backends/devices.ts";
import { generationFieldNames } from "../decoding/generation-fields.ts";
import { TsumugiError } from "../errors.ts";
import {
  type BitsAndBytesConfig,
  type BitsAndBytesOptions,
  bitsAndBytesConfigOf,
  bitsAndBytesNames,
} from "../formats/quantised/bitsandbytes-config.ts";
import type { DownloadProgress, HubOptions } from "../hub/index.ts";
import type { FloatDType } from "../tensor/dtype.ts";
import { oneOf } from "../util/one-of.ts";
import { checkOptionTypes } from "../util/option-types.ts";
import { parseOption, whole } from "../util/schemas.ts";
import { type Refusals, refuseUnknown } from "../util/unknown-options.ts";
import { ourDtypeName } from "./choose-dtype.ts";
import { isOwnFormat, type OwnFormat, ownFormats } from "./own-format-names.ts";

/** Types that keys and values can be kept in. */
export const kvCacheDtypes = ["float32", "bfloat16", "int8"] as const;
export type KvCacheDtype = (typeof kvCacheDtypes)[number];

/** Options of `AutoModelForCausalLM.fromPretrained`. */
export interface FromPretrainedOptions
  extends Pick<HubOptions, "revision" | "cacheDir" | "token" | "localFilesOnly" | "forceDownload" | "endpoint">,
    ModelOptions {
  /** The model is this GGUF file of the folder or repository; of a split file, its first part. Default: safetensors. */
  ggufFile?: string | undefined;
  /** "cpu": the native addon. "reference": plain TypeScript, slow. Default "auto": cpu, or with a warning reference without the addon. */
  device?: "auto" | DeviceName | undefined;
  /** Threads of the cpu device. Default: physical cores. */
  threads?: number | undefined;
  /** Downloads (they have `status`) and reading of weights. */
  onProgress?: ((event: DownloadProgress | LoadProgress) => void) | undefined;
}

/** Options of loading a model, wherever its files are and whatever it runs on. */
export interface ModelOptions {
  /**
   * Type the weights are held in; they are converted while loading. "int8" (a scale for each row) and "int4" (4.5 bits: a scale
   * for each 32 columns; the head in int8) quantise what is multiplied; all else is held as with "auto". Default "auto":
   * config.json's, else the checkpoint's.
   */
  dtype?: "auto" | FloatDType | OwnFormat | undefined;
  /**
   * Type that values between operations have. "auto": bfloat16 with bfloat16 weights, rounded where transformers rounds, else
   * float32. "float32": never rounded, so that bfloat16 weights give answers nearer to their float32 ones. Default "auto".
   */
  activationDtype?: "auto" | "float32" | undefined;
  /**
   * What meets weights that are held in 4 or 8 bits. "int8": values are rounded to 8 bits, with a scale for the columns that share
   * one of the weights, and multiplied as integers: fastest. "float": as `activationDtype` says. Refused where no weights are held
   * so. Default: "int8" with `dtype: "int8"` or "int4" and for GGUF, unless `activationDtype` is "float32"; else "float".
   */
  activations?: "float" | "int8" | undefined;
  /**
   * Quantises the weights of a plain checkpoint while they are loaded, as Python's bitsandbytes does. `dtype` is the type of what
   * is left as it is. Default: weights stay what they are.
   */
  quantizationConfig?: BitsAndBytesConfig | BitsAndBytesOptions | undefined;
  /** `quantizationConfig: new BitsAndBytesConfig({ loadIn4bit: true })`: FP4, as in transformers. Default false. */
  loadIn4bit?: boolean | undefined;
  /** `quantizationConfig: new BitsAndBytesConfig({ loadIn8bit: true })`: LLM.int8(). Default false. */
  loadIn8bit?: boolean | undefined;
  /** Sequences at once; more wait for their turn. All beams of a search run at once. Default 64. */
  maxBatchSize?: number | undefined;
  /** Tokens, prompt included, that every one of `maxBatchSize` sequences has room for. Default: the model's context, at most 4,096. */
  contextTokens?: number | undefined;
  /** Bytes that the KV cache may grow to. Default: what the two above need, at most 1 GiB, but always one sequence. */
  cacheBytes?: number | undefined;
  /** Type of the KV cache. "auto": bfloat16 with bfloat16 weights, as in transformers, else float32. "int8": a scale for each token and head. Default "auto". */
  kvCacheDtype?: "auto" | KvCacheDtype | undefined;
  /** Whether a model that does not fit into the free memory is refused before it is read (`memory_insufficient`). Default true. */
  checkMemory?: boolean | undefined;
  /** Aborting ends the loading with `aborted`. */
  signal?: AbortSignal | undefined;
  /** Bytes of weights read so far, as the device holds them. */
  onProgress?: ((event: LoadProgress) => void) | undefined;
}

/** How far the weights are read. */
export interface LoadProgress {
  loadedBytes: number;
  totalBytes: number;
}

/** Names of the options that say where files come from. */
export const hubNames: readonly string[] = [
  "revision",
  "cacheDir",
  "token",
  "localFilesOnly",
  "forceDownload",
  "endpoint",
  "ggufFile",
  "signal",
];
const modelNames = [
  ...["dtype", "activationDtype", "activations", "kvCacheDtype", "quantizationConfig", "loadIn4bit", "loadIn8bit"],
  ...["maxBatchSize", "contextTokens", "cacheBytes", "checkMemory", "signal", "onProgress"],
];

/** Names of all options of `fromPretrained`. */
export const fromPretrainedNames: readonly string[] = [...new Set([...hubNames, ...modelNames, "device", "threads"])];

const notYet = "it is planned and not built yet";
export const loadRefusals: Refusals = {
  ...sameReason(generationFieldNames, "it is an option of calls: give it to `generate`, `stream` or a pipeline"),
  torchDtype: "its name here is `dtype`",
  deviceMap: "its name here is `device`",
  ...sameReason(bitsAndBytesNames, "it is an option of `BitsAndBytesConfig`: give it in `quantizationConfig`"),
  trustRemoteCode: "remote code is never run",
  attnImplementation: "the engine has one implementation of attention",
  lowCpuMemUsage: "loading never holds two whole copies anyway",
  useSafetensors: "safetensors are read, or the GGUF file that `ggufFile` names",
  maxMemory: notYet,
  offloadFolder: notYet,
  subfolder: notYet,
  variant: notYet,
};

/** Options of loading that a call is given. */
export const loadingInCalls: Refusals = sameReason(
  fromPretrainedNames,
  "it is an option of loading: give it to `fromPretrained` or `pipeline`",
);

function sameReason(names: readonly string[], reason: string): Refusals {
  return Object.fromEntries(names.map((name) => [name, reason]));
}

/**
 * Refuses unknown options of loading a model, and wrong values, before anything is read. `known`: names of the options.
 *
 * @throws `unknown_option`, `unsupported_option`, `invalid_option`
 */
export function checkModelOptions(options: ModelOptions, known: readonly string[] = modelNames): void {
  refuseUnknown(options, known, loadRefusals);
  checkOptionTypes(options, { onProgress: "function", checkMemory: "boolean", signal: "signal" });
  checkOptionTypes(options, { loadIn4bit: "boolean", loadIn8bit: "boolean" });
  quantisationOf(options);
  const dtypes = [undefined, "auto", "float32", "bfloat16", "float16", ...ownFormats];
  const meant = dtypes.includes(options.dtype) ? undefined : ourDtypeName(options.dtype);
  if (meant !== undefined)
    throw new TsumugiError("invalid_option", { option: "dtype", expected: `"${meant}"`, given: options.dtype });
  oneOf("dtype", options.dtype, dtypes);
  oneOf("activations", options.activations, [undefined, "float", "int8"]);
  if (isOwnFormat(options.dtype) && quantisationOf(options)) {
    const reason = "they are two ways to quantise: `dtype` beside the other is the type of what is left as it is";
    throw new TsumugiError("conflicting_options", {
      options: `\`dtype: "${options.dtype}"\` and \`quantizationConfig\``,
      reason,
    });
  }
  oneOf("activationDtype", options.activationDtype, [undefined, "auto", "float32"]);
  oneOf("kvCacheDtype", options.kvCacheDtype, [undefined, "auto", ...kvCacheDtypes]);
  for (const option of ["maxBatchSize", "contextTokens", "cacheBytes"] as const) {
    if (options[option] !== undefined) parseOption(whole(1), options[option], option);
  }
  const { maxBatchSize = 1 } = options;
  if (maxBatchSize > 65_536) {
    throw new TsumugiError("invalid_option", { option: "maxBatchSize", expected: "at most 65536", given: maxBatchSize });
  }
}

/**
 * How weights are quantised while they are loaded; undefined where they are not.
 *
 * @throws `invalid_option`, `conflicting_options`
 */
export function quantisationOf({ quantizationConfig, loadIn4bit, loadIn8bit }: ModelOptions): BitsAndBytesConfig | undefined {
  const isShort = loadIn4bit === true || loadIn8bit === true;
  if (quantizationConfig === undefined || quantizationConfig === null) {
    return isShort ? bitsAndBytesConfigOf({ loadIn4bit, loadIn8bit }) : undefined;
  }
  if (isShort) {
    const options = `\`${loadIn4bit ? "loadIn4bit" : "loadIn8bit"}\` and \`quantizationConfig\``;
    throw new TsumugiError("conflicting_options", { options, reason: "say it in `quantizationConfig`" });
  }
  const config = bitsAndBytesConfigOf(quantizationConfig);
  if (config.loadIn4bit || config.loadIn8bit) return config;
  const expected = "a config with `loadIn4bit` or `loadIn8bit`";
  throw new TsumugiError("invalid_option", { option: "quantizationConfig", expected, given: quantizationConfig });
}
