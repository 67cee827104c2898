import { TsumugiError } from "../errors.ts";
import {
  AutoModelForCausalLM,
  AutoModelForSeq2SeqLM,
  AutoTokenizer,
  BitsAndBytesConfig,
  type CausalLM,
  type FromPretrainedOptions,
  type Tokenizer,
} from "../generate/index.ts";
import type { ModelFlags } from "./model-options.ts";
import { createProgressReporter } from "./progress.ts";

/** A model and its tokenizer, ready to generate. */
export interface Loaded {
  model: CausalLM;
  tokenizer: Tokenizer;
  /** Milliseconds from the call until the model is ready. Downloads, reading and packing count. */
  loadMs: number;
}

/** Loads what the model options name, with progress bars on a terminal. */
export async function loadModel(flags: ModelFlags): Promise<Loaded> {
  const start = performance.now();
  const reporter = createProgressReporter();
  const { revision, cacheDir, localFilesOnly, loadIn4bit, loadIn8bit, device, threads } = flags;
  const { activations, kvCacheDtype, checkMemory } = flags;
  const hub = { revision, cacheDir, localFilesOnly };
  try {
    const model = await loadEither(flags.model, {
      ...hub,
      loadIn4bit,
      loadIn8bit,
      ...formatOf(flags),
      activations,
      device,
      threads,
      kvCacheDtype,
      checkMemory,
      onProgress: (event) => ("status" in event ? reporter.download(event) : reporter.loading(event)),
    });
    const tokenizer = await AutoTokenizer.fromPretrained(flags.model, hub);
    return { model, tokenizer, loadMs: performance.now() - start };
  } finally {
    reporter.close();
  }
}

/**
 * What --dtype and --quantize say.
 *
 * @throws `conflicting_options` where both name a format of our own
 */
export function formatOf({
  dtype = "auto",
  quantize,
}: Pick<ModelFlags, "dtype" | "quantize">): Pick<FromPretrainedOptions, "dtype" | "quantizationConfig"> {
  if (quantize === undefined) return { dtype };
  if (quantize === "int8" || quantize === "int4") {
    if (dtype === "auto" || dtype === quantize) return { dtype: quantize };
    const options = `\`--quantize ${quantize}\` and \`--dtype ${dtype}\``;
    throw new TsumugiError("conflicting_options", { options, reason: "both say what the weights are held in" });
  }
  const [type, double] = quantize.split("-") as ["nf4" | "fp4", "double"?];
  const quantizationConfig = new BitsAndBytesConfig({
    loadIn4bit: true,
    bnb4bitQuantType: type,
    bnb4bitUseDoubleQuant: double !== undefined,
  });
  return { dtype, quantizationConfig };
}

/** A model that goes on from a text, or one that reads it with an encoder (T5, BART). */
export async function loadEither(idOrDirectory: string, options: FromPretrainedOptions): Promise<CausalLM> {
  try {
    return await AutoModelForCausalLM.fromPretrained(idOrDirectory, options);
  } catch (error) {
    const isOther = TsumugiError.isInstance(error) && error.code === "model_class";
    if (!isOther || error.details.right !== "AutoModelForSeq2SeqLM") throw error;
    return AutoModelForSeq2SeqLM.fromPretrained(idOrDirectory, options);
  }
}
