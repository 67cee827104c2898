import type { ChatInput } from "../tokenizer/index.ts";
import type { GenerateOptions } from "./generate-options.ts";
import type { PromptOptions } from "./prompt-options.ts";
import type { TextResult } from "./text-result.ts";
import type { TextStream } from "./text-stream.ts";

/** What a model is asked: a text to go on from, or a conversation to answer. */
export type TextPrompt = string | readonly ChatInput[];

/** Options of `generate` that a text model never has: inputs, and what needs more than one answer or another form of it. */
export const notForText = [
  "inputIds",
  "attentionMask",
  "streamer",
  "numReturnSequences",
  "outputLogits",
  "outputScores",
  "outputHiddenStates",
  "outputAttentions",
] as const satisfies readonly (keyof GenerateOptions)[];

/** Options of a `TextModel`, in this library's names: those that make sense for one answer. No model takes all of them. */
export interface TextModelOptions extends PromptOptions, Omit<GenerateOptions, (typeof notForText)[number]> {}

/** What a model can do. Whatever is not here is refused by name, before anything is sent or computed. */
export interface TextModelCapabilities {
  /** Goes on from a text. */
  readonly text: boolean;
  /** Answers conversations. */
  readonly chat: boolean;
  /** Takes and gives token ids: the model runs here, and its tokenizer is known. */
  readonly tokenIds: boolean;
  /** Names of the options of a call that it honours. `signal` is honoured by all, and not listed. */
  readonly options: readonly string[];
}

/**
 * A model that turns text or messages into text, wherever it runs. `CausalLM` and `Seq2SeqLM` are such models; `pipeline`
 * takes any. A model of your own checks calls with `checkTextCall` and streams with `createTextStream`.
 *
 * @example
 * ```ts
 * async function answer(model: TextModel, question: string): Promise<string> {
 *   const prompt = model.capabilities.chat ? [{ role: "user", content: question }] : question;
 *   return (await model.generate(prompt, { maxNewTokens: 50 })).text;
 * }
 * ```
 */
export interface TextModel {
  /** What it is called, for messages. */
  readonly id: string;
  readonly capabilities: TextModelCapabilities;
  /**
   * The answer piece by piece. Options are checked at once, the work starts with the first `next()` or `result`. Leaving the
   * loop or aborting `signal` ends the answer without an error, and its result says "abort".
   */
  stream(prompt: TextPrompt, options?: TextModelOptions): TextStream<TextResult>;
  /** The whole answer. Aborting `signal` rejects with `aborted`. */
  generate(prompt: TextPrompt, options?: TextModelOptions): Promise<TextResult>;
  /** Frees what the model holds. */
  dispose?(): Promise<void>;
}
