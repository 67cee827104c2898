import type { GenerationConfig } from "../decoding/generation-config.ts";
import { TsumugiError } from "../errors.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { checkOptionTypes } from "../util/option-types.ts";
import { parseOption, whole } from "../util/schemas.ts";
import { refuseMoreArguments } from "./check-arguments.ts";
import { checkGenerateOptions, type GenerateOptions } from "./generate-options.ts";
import type { FromPretrainedOptions } from "./load-options.ts";
import type { PipelineAnswers } from "./pipeline-answers.ts";
import { PipelineCall } from "./pipeline-call.ts";
import { overDefaults } from "./pipeline-defaults.ts";
import { refuseCallOptions, type TextOutput } from "./pipeline-options.ts";
import { encodeLongPrompts } from "./pipeline-prompts.ts";
import { prefixOf, taskSettings } from "./pipeline-task.ts";
import type { Seq2SeqLM } from "./seq2seq-lm.ts";

/**
 * Options of `pipeline("text2text-generation", …)`. Loading options are for a model named by id or folder; options of a call
 * are what every call takes where it does not name them (`signal` is the loading's).
 */
export interface Text2TextPipelineOptions extends FromPretrainedOptions, Omit<Text2TextOptions, "signal"> {
  /** Hub id, folder, or a loaded encoder-decoder model (which `pipe.dispose()` then leaves alone). */
  model: string | Seq2SeqLM;
  /** Hub id or folder, or a loaded tokenizer. Default: the model's own. */
  tokenizer?: string | Tokenizer | undefined;
}

/** Options of a call: everything of `GenerateOptions` that is no input, and these. */
export interface Text2TextOptions
  extends Omit<
    GenerateOptions,
    "inputIds" | "attentionMask" | "tokenizer" | "outputLogits" | "outputScores" | "outputHiddenStates" | "outputAttentions"
  > {
  /** Undo spaces before punctuation. Default: the tokenizer's. */
  cleanUpTokenizationSpaces?: boolean | undefined;
  /** Texts that form one padded batch, as Python sees it (it matters to seeds). All run at once anyway. Default 1. */
  batchSize?: number | undefined;
}

/** Texts in, texts out, through an encoder-decoder model; called like a function. */
export interface Text2TextPipeline {
  /** `numReturnSequences` answers to a text, and to each of a list of texts. */
  <Input extends string | readonly string[]>(
    input: Input,
    options?: Text2TextOptions,
  ): Promise<PipelineAnswers<Input, boolean, false>>;
  readonly task: "text2text-generation";
  readonly model: Seq2SeqLM;
  readonly tokenizer: Tokenizer;
  /** Frees the model, unless it was given loaded. */
  dispose(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Options of this pipeline that are not options of `generate`. */
export const text2TextNames = ["cleanUpTokenizationSpaces", "batchSize"] as const;

const task = "text2text-generation";

/** The pipeline of a loaded model; `owned`: `dispose` frees it. */
export function createText2TextPipeline(
  model: Seq2SeqLM,
  tokenizer: Tokenizer,
  owned: boolean,
  defaults: Text2TextOptions,
): Text2TextPipeline {
  const call = async (input: string | readonly string[], options: Text2TextOptions = {}, ...more: unknown[]) => {
    refuseMoreArguments("a pipeline's call", more, "a prompt and options");
    const single = typeof input === "string";
    const texts: readonly unknown[] = single ? [input] : input;
    if (!Array.isArray(texts) || !texts.every((text) => typeof text === "string")) {
      throw new TsumugiError("invalid_input", {
        what: "The pipeline's input",
        expected: "a text or a list of texts",
        given: input,
      });
    }
    checkText2TextOptions(options);
    const outputs = await answerAll(model, tokenizer, texts, overDefaults(defaults, options), single);
    return single ? outputs[0]! : outputs;
  };
  const dispose = async (): Promise<void> => {
    if (owned) await model.dispose();
  };
  const members = { task, model, tokenizer, dispose, [Symbol.asyncDispose]: dispose };
  return Object.assign(call, members) as unknown as Text2TextPipeline;
}

/** Refuses unknown options of a call, and wrong values of the pipeline's own. */
export function checkText2TextOptions(options: Text2TextOptions): void {
  const truncation =
    "texts are never cut; cut them with `tokenizer(text, { truncation: true, maxLength })` and use `model.generate`";
  refuseCallOptions(options, [], { truncation });
  checkGenerateOptions(options as GenerateOptions, text2TextNames);
  if (options.batchSize !== undefined) parseOption(whole(1), options.batchSize, "batchSize");
  checkOptionTypes(options, { cleanUpTokenizationSpaces: "boolean" });
}

async function answerAll(
  model: Seq2SeqLM,
  tokenizer: Tokenizer,
  texts: readonly string[],
  given: Text2TextOptions,
  single: boolean,
): Promise<TextOutput[][]> {
  const { cleanUpTokenizationSpaces, batchSize = 1, ...options } = given;
  const defaults = taskSettings(model, task, options, beamDefaults);
  const prefix = prefixOf(model.config, task);
  const call = new PipelineCall({ model, tokenizer, options, defaults, single });
  const long = encodeLongPrompts(tokenizer, texts, prefix, {});
  const encoded = long && (await long);
  return call.inBatches(texts, batchSize, async (batch, from) => {
    const rows = batch.map((text, i) => encoded?.[from + i] ?? tokenizer.encode(prefix + text));
    const answers = await call.answer(rows, { from, side: tokenizer.paddingSide });
    return answers.map((copies) =>
      copies.map(({ prompt, answer }) => {
        const ids = [...prompt, ...answer];
        return { generatedText: tokenizer.decode(ids, { skipSpecialTokens: true, cleanUpTokenizationSpaces }) };
      }),
    );
  });
}

/** Where neither the call nor the model's files decide, it searches with four beams. */
function beamDefaults({ numBeams }: GenerationConfig): GenerationConfig {
  return numBeams === undefined ? { numBeams: 4 } : {};
}
