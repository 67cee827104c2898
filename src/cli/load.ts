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
  const { revision, cacheDir, localFilesOnly, dtype, loadIn4bit, loadIn8bit, device, threads } = flags;
  const { kvCacheDtype, checkMemory } = flags;
  const hub = { revision, cacheDir, localFilesOnly };
  try {
    const model = await loadEither(flags.model, {
      ...hub,
      dtype,
      loadIn4bit,
      loadIn8bit,
      quantizationConfig: quantisationOf(flags),
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

/** What --quantize says. */
function quantisationOf({ quantize }: ModelFlags): BitsAndBytesConfig | undefined {
  if (quantize === undefined) return undefined;
  const [type, double] = quantize.split("-") as ["nf4" | "fp4", "double"?];
  return new BitsAndBytesConfig({ loadIn4bit: true, bnb4bitQuantType: type, bnb4bitUseDoubleQuant: double !== undefined });
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
