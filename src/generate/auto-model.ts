import { createBackend, deviceNames } from "../backends/devices.ts";
import { TsumugiError } from "../errors.ts";
import type { ModelDirectory } from "../hub/index.ts";
import { withWatchedProgress } from "../util/callback-guard.ts";
import { oneOf } from "../util/one-of.ts";
import { parseOption, whole } from "../util/schemas.ts";
import { warnOnce } from "../util/warnings.ts";
import { assembleModel } from "./assemble-model.ts";
import { CausalLM, type CausalLMParts } from "./causal-lm.ts";
import { checkModelOptions, type FromPretrainedOptions, fromPretrainedNames, quantisationOf } from "./load-options.ts";
import type { AutoModelName } from "./model-class.ts";
import { openModel } from "./open-model.ts";
import { savePretrained } from "./save-pretrained.ts";
import { Seq2SeqLM } from "./seq2seq-lm.ts";

export { deviceNames };

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
   * A model from a folder, a Hub id (through the cache that Python shares), a GGUF file ("model.gguf", or `ggufFile` of one of
   * the former) or "tsumugi-mini", the model in the box.
   *
   * The KV cache holds bfloat16 for bfloat16 weights, float32 otherwise. Of a multimodal model only the part that reads and
   * writes text is loaded, where it is supported (`supportedMultimodalTypes`). A LoRA adapter beside the model is applied.
   * Call `dispose()` when done.
   *
   * @throws `unknown_option`, `unsupported_option`, `invalid_option`, `native_addon_missing`, `model_unsupported`,
   * `model_class`, `config_invalid`, `config_unsupported`, `weights_missing`, `weight_shape`, `weight_dtype`,
   * `checkpoint_missing`, `safetensors_…`, `gguf_…`, `invalid_json_file`, `adapter_…`, `model_incomplete`, and the Hub's errors
   *
   * @example
   * ```ts
   * const model = await AutoModelForCausalLM.fromPretrained("tsumugi-mini", { dtype: "float32" });
   * const { sequences } = await model.generate({ inputIds: [[1, 2, 3]], maxNewTokens: 8 });
   * await model.dispose();
   * ```
   */
  async fromPretrained(idOrDirectory: string, options: FromPretrainedOptions = {}): Promise<CausalLM> {
    return new CausalLM(await loadWatched(idOrDirectory, options, "AutoModelForCausalLM"));
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
    return new Seq2SeqLM(await loadWatched(idOrDirectory, options, "AutoModelForSeq2SeqLM"));
  },
};

function loadWatched(idOrDirectory: string, options: FromPretrainedOptions, asked: AutoModelName): Promise<CausalLMParts> {
  checkModelOptions(options, fromPretrainedNames);
  return withWatchedProgress(
    options,
    (watched) => load(idOrDirectory, { ...options, ...watched }, asked),
    ({ engine }) => engine.dispose(),
  );
}

async function load(idOrDirectory: string, options: FromPretrainedOptions, asked: AutoModelName): Promise<CausalLMParts> {
  const { revision, cacheDir, token, localFilesOnly, forceDownload, endpoint, ggufFile, signal, onProgress } = options;
  const { device = "auto", threads } = options;
  oneOf("device", device, ["auto", ...deviceNames()]);
  if (threads !== undefined) parseOption(whole(1), threads, "threads");
  const backend = await createBackend(device);
  if (threads !== undefined && !backend.usesThreads && device === "auto") {
    warnOnce(`\`threads\` has no effect: the ${backend.name} device runs on one thread.`);
  } else if (threads !== undefined && !backend.usesThreads) {
    const reason = `the ${backend.name} device runs on one thread`;
    throw new TsumugiError("conflicting_options", { options: `\`device: "${backend.name}"\` and \`threads\``, reason });
  }
  const hub = { revision, cacheDir, token, localFilesOnly, forceDownload, endpoint, ggufFile, signal, onProgress };
  const parts = await openModel(idOrDirectory, hub, asked);
  try {
    const loaded = await assembleModel({ ...parts, backend }, options, asked);
    const loadedConfig = structuredClone(loaded.generationConfig);
    // the very files that were loaded, whatever the branch says by then
    const again = {
      ...hub,
      revision: "commit" in parts.files ? (parts.files as ModelDirectory).commit : revision,
      localFilesOnly: true,
      forceDownload: false,
    };
    return {
      ...loaded,
      async save(directory, generationConfig, saving) {
        if (quantisationOf(options) !== undefined || ["int8", "int4"].includes(options.dtype ?? "auto")) {
          throw new TsumugiError("model_not_saved", { reason: "it was quantised while it was loaded: use `tsumugi quantize`" });
        }
        const { dtype } = loaded;
        const saved = { idOrDirectory, hub: again, dtype, generationConfig, loadedConfig };
        await savePretrained(directory, saved, saving);
      },
    };
  } finally {
    await parts.checkpoint.close();
  }
}
