import type { Backend } from "../backends/backend.ts";
import { createReferenceBackend } from "../backends/reference/index.ts";
import { readGenerationConfig } from "../decoding/read-generation-config.ts";
import { Engine } from "../engine/engine.ts";
import { engineLimits } from "../engine/limits.ts";
import { TsumugiError } from "../errors.ts";
import { type Checkpoint, openCheckpoint } from "../formats/index.ts";
import { type DownloadProgress, type HubOptions, type ModelDirectory, resolveModel } from "../hub/index.ts";
import { loadModel, unusedTensorsOf, withAttentions, withHiddenStates } from "../models/index.ts";
import type { Model } from "../ops/program.ts";
import type { FloatDType } from "../tensor/dtype.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { oneOf } from "../util/one-of.ts";
import { checkOptionTypes } from "../util/option-types.ts";
import { parseOption, whole } from "../util/schemas.ts";
import { type Refusals, refuseUnknown } from "../util/unknown-options.ts";
import { warn } from "../util/warnings.ts";
import { loadTokenizer } from "./auto-tokenizer.ts";
import { CausalLM, type CausalLMParts } from "./causal-lm.ts";
import { Seq2SeqLM } from "./seq2seq-lm.ts";

/** Options of `AutoModelForCausalLM.fromPretrained`. */
export interface FromPretrainedOptions
  extends Pick<HubOptions, "revision" | "cacheDir" | "token" | "localFilesOnly" | "endpoint" | "signal"> {
  /** Type the weights are held in; they are converted while loading. Default "auto": config.json's, else the checkpoint's. */
  dtype?: "auto" | FloatDType;
  /**
   * Type that values between operations have. "auto": bfloat16 with bfloat16 weights, rounded where transformers rounds, else
   * float32. "float32": never rounded, so that bfloat16 weights give answers nearer to their float32 ones. Default "auto".
   */
  activationDtype?: "auto" | "float32";
  /** "cpu": the native addon. "reference": plain TypeScript, slow. Default "auto": cpu. */
  device?: "auto" | "cpu" | "reference";
  /** Threads of the cpu device. Default: physical cores. */
  threads?: number;
  /** Sequences at once; more wait for their turn. All beams of a search run at once. Default 64. */
  maxBatchSize?: number;
  /** Tokens, prompt included, that every one of `maxBatchSize` sequences has room for. Default: the model's context, at most 4,096. */
  contextTokens?: number;
  /** Bytes that the KV cache may take. Default: what the two above need, at most 1 GiB, but always one sequence. */
  cacheBytes?: number;
  /** Downloads (they have `status`) and reading of weights. */
  onProgress?: (event: DownloadProgress | { loadedBytes: number; totalBytes: number }) => void;
}

/** Names of the options that say where files come from. */
export const hubNames: readonly string[] = ["revision", "cacheDir", "token", "localFilesOnly", "endpoint", "signal"];
const loadNames = [
  "dtype",
  "activationDtype",
  "device",
  "threads",
  "maxBatchSize",
  "contextTokens",
  "cacheBytes",
  "onProgress",
];

/** Names of all options of `fromPretrained`. */
export const fromPretrainedNames: readonly string[] = [...hubNames, ...loadNames];

const notYet = "it is planned and not built yet";
const quantised = "quantised weights are planned and not built yet; use `dtype`";
export const loadRefusals: Refusals = {
  torchDtype: "its name here is `dtype`",
  deviceMap: "its name here is `device`",
  loadIn4bit: quantised,
  loadIn8bit: quantised,
  quantizationConfig: quantised,
  trustRemoteCode: "remote code is never run",
  attnImplementation: "the engine has one implementation of attention",
  lowCpuMemUsage: "loading never holds two whole copies anyway",
  useSafetensors: "only safetensors are read",
  maxMemory: notYet,
  offloadFolder: notYet,
  subfolder: notYet,
  variant: notYet,
};

export type { CausalLM } from "./causal-lm.ts";

const gibibyte = 2 ** 30;

/**
 * Loads causal language models: GPT-2, Llama, Qwen and their like (`supportedModelTypes`).
 *
 * @example
 * ```ts
 * const model = await AutoModelForCausalLM.fromPretrained("tsumugi-mini");
 * console.log(model.numParameters(), model.maxPositions);
 * await model.dispose();
 * ```
 */
export const AutoModelForCausalLM = {
  /**
   * A model from a folder, a Hub id (through the cache that Python shares) or "tsumugi-mini", the model in the box.
   *
   * The KV cache holds bfloat16 for bfloat16 weights, float32 otherwise. Of a multimodal model only the part that reads and
   * writes text is loaded, where it is supported (`supportedMultimodalTypes`). Call `dispose()` when done.
   *
   * @throws `unknown_option`, `unsupported_option`, `invalid_option`, `native_addon_missing`, `model_unsupported`,
   * `config_invalid`, `config_unsupported`, `weights_missing`, `weight_shape`, `safetensors_…`, `model_incomplete`,
   * and the Hub's errors
   *
   * @example
   * ```ts
   * const model = await AutoModelForCausalLM.fromPretrained("tsumugi-mini", { dtype: "float32" });
   * const { sequences } = await model.generate({ inputIds: [[1, 2, 3]], maxNewTokens: 8 });
   * await model.dispose();
   * ```
   */
  async fromPretrained(idOrDirectory: string, options: FromPretrainedOptions = {}): Promise<CausalLM> {
    return new CausalLM(await load(idOrDirectory, options, "AutoModelForCausalLM"));
  },
};

/**
 * Loads encoder-decoder models: T5, mT5, BART, mBART, M2M-100 and NLLB.
 *
 * @example
 * ```ts
 * const model = await AutoModelForSeq2SeqLM.fromPretrained("google/flan-t5-small");
 * const stream = model.stream({ prompt: "Translate to German: Good morning", maxNewTokens: 20 });
 * for await (const piece of stream) process.stdout.write(piece);
 * await model.dispose();
 * ```
 */
export const AutoModelForSeq2SeqLM = {
  /**
   * As `AutoModelForCausalLM.fromPretrained`, for models that read the whole input with an encoder. `inputIds` of
   * `generate` are the encoder's; `sequences` begin with `decoderStartTokenId`. An input has room up to `contextTokens`.
   *
   * @throws as `AutoModelForCausalLM.fromPretrained`
   *
   * @example
   * ```ts
   * const model = await AutoModelForSeq2SeqLM.fromPretrained("google/flan-t5-small");
   * const tokenizer = await model.loadTokenizer();
   * const { sequences } = await model.generate({ ...tokenizer("Translate to German: Good morning"), maxNewTokens: 20 });
   * console.log(tokenizer.decode(sequences[0], { skipSpecialTokens: true }));
   * ```
   */
  async fromPretrained(idOrDirectory: string, options: FromPretrainedOptions = {}): Promise<Seq2SeqLM> {
    return new Seq2SeqLM(await load(idOrDirectory, options, "AutoModelForSeq2SeqLM"));
  },
};

type AutoModelName = "AutoModelForCausalLM" | "AutoModelForSeq2SeqLM";

async function load(idOrDirectory: string, options: FromPretrainedOptions, asked: AutoModelName): Promise<CausalLMParts> {
  checkOptions(options);
  const { revision, cacheDir, token, localFilesOnly, endpoint, signal, onProgress } = options;
  const hub = { revision, cacheDir, token, localFilesOnly, endpoint, signal, onProgress };
  const backend = await createBackend(options.device ?? "auto");
  const files = await resolveModel(idOrDirectory, hub);
  const config = await readConfig(files);
  const checkpoint = await openCheckpoint(files.directory);
  try {
    const model = await loadModel(config, checkpoint);
    const right: AutoModelName = model.programs.encode ? "AutoModelForSeq2SeqLM" : "AutoModelForCausalLM";
    if (asked !== right) throw new TsumugiError("model_class", { asked, given: model.modelType, right });
    warnOfUnused(files, unusedTensorsOf(model, config, checkpoint));
    return await assemble({ files, config, checkpoint, model, backend }, options);
  } finally {
    await checkpoint.close();
  }
}

/** Weights that config.json has no place for are left out, as in transformers, but not without a word. */
function warnOfUnused({ id }: ModelDirectory, unused: readonly string[]): void {
  if (unused.length === 0) return;
  const shown = unused.slice(0, 5).join(", ") + (unused.length > 5 ? ", …" : "");
  const count = unused.length === 1 ? "1 tensor" : `${unused.length} tensors`;
  warn(`The checkpoint of \`${id}\` holds ${count} that the model of its config.json does not use: ${shown}.`);
}

interface Loaded {
  files: ModelDirectory;
  config: Record<string, unknown>;
  checkpoint: Checkpoint;
  model: Model;
  backend: Backend;
}

async function assemble(
  { files, config, checkpoint, model: plain, backend }: Loaded,
  options: FromPretrainedOptions,
): Promise<CausalLMParts> {
  const generationConfig = readGenerationConfig(await readObject(files, "generation_config.json"), config);
  // the reference backend keeps all outputs of a program, and what attention read
  const model = backend.name === "reference" ? withAttentions(withHiddenStates(plain)) : plain;
  const dtype = chooseDtype(options.dtype ?? "auto", config, checkpoint);
  const maxBatchSize = options.maxBatchSize ?? 64;
  const activation = options.activationDtype === "float32" ? ("float32" as const) : undefined;
  const sizes = { blockTokens: backend.blockTokens, maxSequences: maxBatchSize };
  const limitOptions = { ...sizes, weights: dtype, activation, taps: ["hidden"] };
  const { contextTokens, cacheBytes, threads, signal, onProgress } = options;
  let limits = engineLimits(model, { ...limitOptions, contextTokens, cacheBytes });
  if (cacheBytes === undefined && contextTokens === undefined) {
    const { cache } = backend.plan(model, checkpoint, limits);
    const room = Math.max(gibibyte, Math.ceil((1.01 * cache) / maxBatchSize));
    if (cache > room) limits = engineLimits(model, { ...limitOptions, cacheBytes: room });
  }
  const session = await backend.prepare(model, checkpoint, limits, { onProgress, threads, signal });
  const engine = new Engine({ model, session, limits });
  let tokenizer: Promise<Tokenizer> | undefined;
  return {
    id: files.id,
    config,
    generationConfig,
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

function checkOptions(options: FromPretrainedOptions): void {
  refuseUnknown(options, fromPretrainedNames, loadRefusals);
  checkOptionTypes(options, { onProgress: "function", signal: "signal" });
  const { dtype, device } = options;
  oneOf("dtype", dtype, [undefined, "auto", "float32", "bfloat16", "float16"]);
  oneOf("activationDtype", options.activationDtype, [undefined, "auto", "float32"]);
  oneOf("device", device, [undefined, "auto", "cpu", "reference"]);
  if (device === "reference" && options.threads !== undefined) {
    const reason = "the reference device runs on one thread";
    throw new TsumugiError("conflicting_options", { options: '`device: "reference"` and `threads`', reason });
  }
  for (const option of ["threads", "maxBatchSize", "contextTokens", "cacheBytes"] as const) {
    if (options[option] !== undefined) parseOption(whole(1), options[option], option);
  }
  const { maxBatchSize = 1 } = options;
  if (maxBatchSize > 65_536) {
    throw new TsumugiError("invalid_option", { option: "maxBatchSize", expected: "at most 65536", given: maxBatchSize });
  }
}

async function createBackend(device: "auto" | "cpu" | "reference"): Promise<Backend> {
  if (device === "reference") return createReferenceBackend();
  // imported only here, so that nothing else needs the addon; and loaded before anything is downloaded
  const { nativeAddon } = await import("../backends/cpu/addon.ts");
  nativeAddon();
  const { createCpuBackend } = await import("../backends/cpu/index.ts");
  return createCpuBackend();
}

/** config.json of a model. */
export async function readConfig(files: ModelDirectory): Promise<Record<string, unknown>> {
  return (await readObject(files, "config.json")) ?? incomplete(files, "has no config.json");
}

/** A JSON file of a model that holds an object; undefined where it is not there. */
async function readObject(files: ModelDirectory, file: string): Promise<Record<string, unknown> | undefined> {
  const content = await files.readJson(file);
  if (content === undefined) return undefined;
  const isObject = typeof content === "object" && content !== null && !Array.isArray(content);
  return isObject ? (content as Record<string, unknown>) : incomplete(files, `has a ${file} that does not hold an object`);
}

function incomplete({ directory }: ModelDirectory, reason: string): never {
  throw new TsumugiError("model_incomplete", { directory, reason });
}

/** "auto": what config.json says, else the type of the first floating tensor. Other types become float32. */
export function chooseDtype(asked: "auto" | FloatDType, config: Record<string, unknown>, checkpoint: Checkpoint): FloatDType {
  if (asked !== "auto") return asked;
  const stored = checkpoint.tensors().find(({ dtype }) => dtype.startsWith("float") || dtype === "bfloat16")?.dtype;
  const text = (config.text_config ?? {}) as Record<string, unknown>;
  const name = config.dtype ?? config.torch_dtype ?? text.dtype ?? text.torch_dtype ?? stored;
  return name === "bfloat16" || name === "float16" ? name : "float32";
}
