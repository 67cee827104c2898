import { TsumugiError } from "../errors.ts";
import { refuseMoreArguments } from "./check-arguments.ts";
import { checkTextCall, checkTextOptions } from "./check-text-call.ts";
import type { PipelineAnswers, PipelineInput } from "./pipeline-answers.ts";
import { overDefaults } from "./pipeline-defaults.ts";
import { type Chat, joined, readInput } from "./pipeline-input.ts";
import type { Prompt } from "./pipeline-prompts.ts";
import { checkTextGenerationOptions } from "./text-generation-options.ts";
import type { TextModel, TextModelOptions } from "./text-model.ts";
import type { TextResult } from "./text-result.ts";

/** Options of a call: those that the model's `capabilities` list, and these. `FullText`: the type of `returnFullText`. */
export interface TextModelCallOptions<FullText extends boolean = boolean> extends TextModelOptions {
  /** The prompt in front of the answer. Default true. With false, `generatedText` is the new text alone, for chats too. */
  returnFullText?: FullText | undefined;
  /** Prompts that are asked at once. Default 1: one after the other. */
  batchSize?: number | undefined;
}

/** Options of `pipeline("text-generation", …)` with a `TextModel`: options of a call, which every call takes where it names none. */
export interface TextModelPipelineOptions extends Omit<TextModelCallOptions, "signal"> {
  model: TextModel;
}

/** Text or chats in, text or chats out, through any `TextModel`; called like a function. */
export interface TextModelPipeline {
  <Input extends PipelineInput, FullText extends boolean = true>(
    input: Input & PipelineInput,
    options?: TextModelCallOptions<FullText>,
  ): Promise<PipelineAnswers<Input, FullText, false>>;
  readonly task: "text-generation";
  readonly model: TextModel;
  /** Leaves the model alone: it was given. */
  dispose(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Whether a value has the members of a `TextModel`. */
export function isTextModel(value: unknown): value is TextModel {
  const { stream, generate, capabilities } = (value ?? {}) as Partial<TextModel>;
  return typeof stream === "function" && typeof generate === "function" && Array.isArray(capabilities?.options);
}

/** The pipeline of a model that answers text with text. What neither call nor defaults name is left to the model. */
export function createTextModelPipeline(model: TextModel, defaults: TextModelCallOptions): TextModelPipeline {
  checkTextOptions(model, split(defaults).options);
  const call = async (
    input: Prompt | readonly string[] | readonly Chat[],
    given: TextModelCallOptions = {},
    ...more: unknown[]
  ) => {
    refuseMoreArguments("a pipeline's call", more, "a prompt and options");
    const { prompts, single } = readInput(input);
    checkTextGenerationOptions(given);
    const { own, options } = split(overDefaults(defaults, given));
    for (const prompt of prompts) checkTextCall(model, prompt, options);
    const results = await askAll(model, prompts, options, own.batchSize ?? 1);
    const outputs = results.map(({ text }, index) => {
      const whole = own.returnFullText ?? true;
      return [{ generatedText: whole ? joined(prompts[index]!, text, options) : text }];
    });
    return single ? outputs[0]! : outputs;
  };
  const dispose = async (): Promise<void> => {};
  const members = { task: "text-generation", model, dispose, [Symbol.asyncDispose]: dispose };
  return Object.assign(call, members) as unknown as TextModelPipeline;
}

/** Options that the pipeline itself honours, and those of the model. */
function split({ returnFullText, batchSize, ...options }: TextModelCallOptions) {
  return { own: { returnFullText, batchSize }, options };
}

/** Asks `size` prompts at once. The first failure ends the others, and is thrown when all have ended. */
async function askAll(
  model: TextModel,
  prompts: readonly Prompt[],
  options: TextModelOptions,
  size: number,
): Promise<TextResult[]> {
  const stop = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
  const ask = async (prompt: Prompt): Promise<TextResult> => {
    if (!signal.aborted) {
      const result = await model.generate(prompt, { ...options, signal });
      if (result.finishReason !== "abort") return result;
    }
    throw new TsumugiError("aborted", {}, { cause: signal.reason });
  };
  const results: TextResult[] = [];
  for (let from = 0; from < prompts.length; from += size) {
    const asked = prompts.slice(from, from + size).map(ask);
    try {
      results.push(...(await Promise.all(asked)));
    } catch (error) {
      stop.abort();
      await Promise.allSettled(asked);
      throw error;
    }
  }
  return results;
}
