import { AnswerDecoder } from "../decoding/answer-decoder.ts";
import type { GenerationConfig } from "../decoding/generation-config.ts";
import type { GenerationSettings } from "../decoding/generation-settings.ts";
import { TsumugiError } from "../errors.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import type { CausalLM } from "./causal-lm.ts";
import { refuseMoreArguments } from "./check-arguments.ts";
import { continuesLast } from "./check-text-call.ts";
import type { PipelineAnswers, PipelineInput } from "./pipeline-answers.ts";
import { PipelineCall, type PipelineRow } from "./pipeline-call.ts";
import { overDefaults } from "./pipeline-defaults.ts";
import { type Chat, joined, readInput } from "./pipeline-input.ts";
import type { ChatOutput, TextGenerationOptions, TextOutput, TokenOutput } from "./pipeline-options.ts";
import { encodeLongPrompts, encodePrompt, leaveHole, lengthsBehind, type Prompt, stopSequenceIds } from "./pipeline-prompts.ts";
import { prefixOf, taskSettings } from "./pipeline-task.ts";
import { checkTextGenerationOptions, type OwnOptions, refuseOtherKind, splitOptions } from "./text-generation-options.ts";

/**
 * Text or chats in, text or chats out; called like a function. One signature, so that the compiler names a wrong option; the
 * intersection lets editors complete roles.
 */
export interface TextGenerationPipeline {
  <Input extends PipelineInput, FullText extends boolean = true, TokenIds extends boolean = false>(
    input: Input & PipelineInput,
    options?: TextGenerationOptions<FullText, TokenIds>,
  ): Promise<PipelineAnswers<Input, FullText, TokenIds>>;
  readonly task: "text-generation";
  readonly model: CausalLM;
  readonly tokenizer: Tokenizer;
  /** Frees the model, unless it was given loaded. */
  dispose(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const task = "text-generation";

/** The pipeline of a loaded model; `owned`: `dispose` frees it. */
export function createTextGenerationPipeline(
  model: CausalLM,
  tokenizer: Tokenizer,
  owned: boolean,
  defaults: TextGenerationOptions,
): TextGenerationPipeline {
  const call = async (
    input: Prompt | readonly string[] | readonly Chat[],
    options: TextGenerationOptions = {},
    ...more: unknown[]
  ) => {
    refuseMoreArguments("a pipeline's call", more, "a prompt and options");
    const { prompts, single } = readInput(input);
    checkTextGenerationOptions(options);
    const outputs = await answerAll(model, tokenizer, prompts, overDefaults(defaults, options), single);
    return single ? outputs[0]! : outputs;
  };
  const dispose = async (): Promise<void> => {
    if (owned) await model.dispose();
  };
  const members = { task, model, tokenizer, dispose, [Symbol.asyncDispose]: dispose };
  return Object.assign(call, members) as unknown as TextGenerationPipeline;
}

async function answerAll(
  model: CausalLM,
  tokenizer: Tokenizer,
  prompts: readonly Prompt[],
  given: TextGenerationOptions,
  single: boolean,
): Promise<unknown[][]> {
  const { own, options } = splitOptions(given);
  for (const prompt of prompts) refuseOtherKind(prompt, own);
  const prefix = typeof prompts[0] === "string" ? prefixOf(model.config, task, own.prefix) : "";
  if (own.stopSequence !== undefined) options.eosTokenId = stopSequenceIds(tokenizer, own.stopSequence);
  const defaults = taskSettings(model, task, options, samplingDefaults);
  const call = new PipelineCall({ model, tokenizer, options, defaults, single });
  const long = encodeLongPrompts(tokenizer, prompts, prefix, own);
  const encoded = long && (await long);
  const lengths = lengthsBehind(tokenizer, prefix, options, own, call.settings);
  return call.inBatches(prompts, own.batchSize ?? 1, async (batch, from) => {
    const ids = batch.map((prompt, i) => encoded?.[from + i] ?? encodePrompt(tokenizer, prompt, prefix, own));
    const { rows, changes } = fitRows(tokenizer, startEmptyRows(ids, call.settings), own, call.settings);
    const answers = await call.answer(rows, { from, side: "left", changes: { ...lengths, ...changes } });
    return batch.map((prompt, index) => answers[index]!.map((row) => outputOf(tokenizer, prompt, rows[index]!, row, own)));
  });
}

/** Beside other rows, too, an empty prompt starts from BOS. */
function startEmptyRows(rows: readonly number[][], { bosTokenId }: GenerationSettings): number[][] {
  return rows.map((ids) => (ids.length === 0 && rows.length > 1 && bosTokenId !== null ? [bosTokenId] : ids));
}

/** Rows cut as `handleLongGeneration` says, and the settings that follow from it. */
function fitRows(
  tokenizer: Tokenizer,
  rows: number[][],
  { handleLongGeneration }: OwnOptions,
  settings: GenerationSettings,
): { rows: readonly number[][]; changes?: Partial<GenerationSettings> } {
  if (handleLongGeneration !== "hole") return { rows };
  const maxNewTokens = wantedTokens(rows, settings);
  return { rows: leaveHole(tokenizer, rows, maxNewTokens), changes: { maxNewTokens, maxLength: null } };
}

/** New tokens that a call asks for; with `maxLength`, what it leaves to the longest prompt. */
function wantedTokens(rows: readonly number[][], { maxNewTokens, maxLength }: GenerationSettings): number {
  if (maxNewTokens !== null) return maxNewTokens;
  const longest = rows.reduce((most, { length }) => Math.max(most, length), 0);
  if ((maxLength ?? 0) > longest) return maxLength! - longest;
  const reason = `the prompt has ${longest} tokens, which leave none of ${maxLength ?? 0}; set \`maxNewTokens\``;
  throw new TsumugiError("conflicting_options", { options: '`handleLongGeneration: "hole"` and `maxLength`', reason });
}

/** One answer as the options want it: ids, text, or the conversation with the text. `ids`: the prompt's own. */
function outputOf(
  tokenizer: Tokenizer,
  prompt: Prompt,
  ids: readonly number[],
  row: PipelineRow,
  own: OwnOptions,
): TokenOutput | TextOutput | ChatOutput {
  if (own.returnTensors) return { generatedTokenIds: [...row.prompt, ...row.answer] };
  const { skipSpecialTokens = true, cleanUpTokenizationSpaces } = own;
  // Behind a text the answer keeps its leading space, which a decoder of new tokens alone would strip (Llama 2).
  const continues = typeof prompt === "string" || continuesLast(prompt, own);
  const promptIds = continues ? ids : undefined;
  const decoder = new AnswerDecoder(tokenizer, { skipSpecialTokens, cleanUpTokenizationSpaces, promptIds });
  const text = decoder.push(row.answer) + decoder.end();
  return { generatedText: (own.returnFullText ?? true) ? joined(prompt, text, own) : text } as TextOutput | ChatOutput;
}

/** Where neither the call nor the model's files decide, it samples with temperature 0.7. */
function samplingDefaults({ doSample, temperature }: GenerationConfig): GenerationConfig {
  return {
    ...(doSample === undefined && { doSample: true }),
    ...(temperature === undefined && (doSample ?? true) && { temperature: 0.7 }),
  };
}
