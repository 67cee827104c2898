import { TsumugiError } from "../errors.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { AutoModelForCausalLM, AutoModelForSeq2SeqLM } from "./auto-model.ts";
import { AutoTokenizer, type TokenizerLoadOptions } from "./auto-tokenizer.ts";
import type { CausalLM } from "./causal-lm.ts";
import { checkPipelineArguments } from "./check-arguments.ts";
import { hubNames } from "./load-options.ts";
import { checkDefaultFields, splitPipelineOptions } from "./pipeline-defaults.ts";
import { ownNames, type TextGenerationPipelineOptions } from "./pipeline-options.ts";
import type { PipelineFor, PipelineModels, PipelineOptions, PipelineTask } from "./pipeline-tasks.ts";
import { Seq2SeqLM } from "./seq2seq-lm.ts";
import { checkTextGenerationOptions } from "./text-generation-options.ts";
import { createTextGenerationPipeline, type TextGenerationPipeline } from "./text-generation-pipeline.ts";
import type { TextModel } from "./text-model.ts";
import {
  createTextModelPipeline,
  isTextModel,
  type TextModelPipeline,
  type TextModelPipelineOptions,
} from "./text-model-pipeline.ts";
import {
  checkText2TextOptions,
  createText2TextPipeline,
  type Text2TextPipeline,
  type Text2TextPipelineOptions,
  text2TextNames,
} from "./text2text-pipeline.ts";

/**
 * Loads a model with its tokenizer for a task: "text-generation", or "text2text-generation" for encoder-decoder models.
 *
 * Where neither the call nor the model's files decide, it samples with temperature 0.7 and stops after 256 new tokens, as
 * in transformers 5. Unlike there, a call's `maxLength` wins over the 256, prompts are never cut, and the space between
 * prompt and answer stays with every tokenizer. "text2text-generation" searches with 4 beams instead of sampling, as in
 * transformers 4 (5 has no such pipeline any more), and a list of texts gives a list of answers for each.
 *
 * `model` may also be a `TextModel` of your own, with "text-generation": then `capabilities` say which options it takes, and
 * what no call names is left to it.
 *
 * Options of a call, `maxNewTokens: 4` or `batchSize: 8`, may stand here too: every call takes them where it names none.
 *
 * @throws `unknown_task`, `unknown_option`, `unsupported_option`, and what `fromPretrained` and `generate` throw
 *
 * @example
 * ```ts
 * const pipe = await pipeline("text-generation", { model: "tsumugi-mini", dtype: "bfloat16" });
 * const [out] = await pipe("Tell me a story about a dragon.", { maxNewTokens: 100, doSample: false });
 * console.log(out.generatedText);
 * await pipe.dispose();
 * ```
 * Source: transformers 5.18, `pipelines/text_generation.py`.
 */
export function pipeline<Task extends PipelineTask, Model extends PipelineModels[Task] = string>(
  task: Task,
  options: PipelineOptions<Task, Model>,
): Promise<PipelineFor<Task, Model>>;
export async function pipeline(
  task: "text-generation" | "text2text-generation",
  options: TextGenerationPipelineOptions | Text2TextPipelineOptions | TextModelPipelineOptions,
  ...more: unknown[]
): Promise<TextGenerationPipeline | Text2TextPipeline | TextModelPipeline> {
  checkPipelineArguments(task, options, more);
  const isText2Text = task === "text2text-generation";
  const { model: given, tokenizer: named }: { model?: unknown; tokenizer?: string | Tokenizer } = options ?? {};
  const { load, defaults } = splitPipelineOptions(options ?? {}, isText2Text ? text2TextNames : ownNames);
  if (isText2Text) checkText2TextOptions(defaults);
  else checkTextGenerationOptions(defaults);
  checkDefaultFields(defaults, isText2Text ? { numBeams: 4 } : { doSample: true });
  if (given === undefined) {
    const expected = "a Hub id, a folder or a loaded model";
    throw new TsumugiError("invalid_option", { option: "model", expected, found: "nothing" });
  }
  if (isTextModel(given) && !isLocal(given)) {
    checkTextModel(given, named, load, isText2Text);
    return createTextModelPipeline(given, defaults);
  }
  if (typeof given !== "string") checkLoadedModel(given, named, load, isText2Text);
  if (named !== undefined && typeof named !== "string" && typeof (named as Partial<Tokenizer> | null)?.decode !== "function") {
    const expected = "a Hub id, a folder or a loaded tokenizer";
    throw new TsumugiError("invalid_option", { option: "tokenizer", expected, given: named });
  }
  const loader = isText2Text ? AutoModelForSeq2SeqLM : AutoModelForCausalLM;
  const model = typeof given === "string" ? await loader.fromPretrained(given, load) : given;
  try {
    const hub: TokenizerLoadOptions = Object.fromEntries(Object.entries(load).filter(([name]) => hubNames.includes(name)));
    const tokenizer =
      typeof named === "string" ? await AutoTokenizer.fromPretrained(named, hub) : (named ?? (await model.loadTokenizer()));
    const owned = typeof given === "string";
    const make = isText2Text ? createText2TextPipeline : createTextGenerationPipeline;
    return make(model, tokenizer, owned, defaults);
  } catch (error) {
    if (typeof given === "string") await model.dispose();
    throw error;
  }
}

/** Loading options say nothing to a model that is loaded; the Hub's still hold for a tokenizer that is not. */
function checkLoadedModel(model: unknown, tokenizer: unknown, load: object, isText2Text: boolean): asserts model is CausalLM {
  if (!isLocal(model)) {
    const expected = "a Hub id, a folder or a loaded model";
    throw new TsumugiError("invalid_option", { option: "model", expected, given: model });
  }
  if (isText2Text !== model instanceof Seq2SeqLM) {
    const expected = isText2Text ? "an encoder-decoder model" : 'a causal model (use "text2text-generation")';
    throw new TsumugiError("invalid_option", { option: "model", expected, given: model.config.model_type });
  }
  refuseLoading(load, tokenizer);
}

/** Whether a model runs on an engine here, so that pipelines decide its settings and batches themselves. */
function isLocal(model: unknown): model is CausalLM {
  return typeof (model as Partial<CausalLM> | null)?.generateContext === "function";
}

/** A model that takes text has a tokenizer of its own, if any. */
function checkTextModel({ id }: TextModel, tokenizer: unknown, load: object, isText2Text: boolean): void {
  if (isText2Text) {
    const expected = 'an encoder-decoder model that is loaded here; other models are for "text-generation"';
    throw new TsumugiError("invalid_option", { option: "model", expected, given: id });
  }
  if (tokenizer !== undefined) {
    throw new TsumugiError("unsupported_option", { option: "tokenizer", reason: `the model \`${id}\` takes text` });
  }
  refuseLoading(load, tokenizer);
}

function refuseLoading(load: object, tokenizer: unknown): void {
  for (const [option, value] of Object.entries(load)) {
    if (value === undefined || (typeof tokenizer === "string" && hubNames.includes(option))) continue;
    const reason = "it says how to load a model, and this one is loaded";
    throw new TsumugiError("conflicting_options", { options: `\`${option}\` and a loaded \`model\``, reason });
  }
}
