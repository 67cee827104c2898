import type { ChatInput, ChatMessage, TextMessage, Tokenizer } from "../tokenizer/index.ts";
import { checkIsOptions } from "../util/option-types.ts";
import { type Refusals, refuseUnknown } from "../util/unknown-options.ts";
import type { CausalLM } from "./causal-lm.ts";
import type { GenerateOptions } from "./generate-options.ts";
import type { FromPretrainedOptions } from "./load-options.ts";
import { type PromptOptions, promptOptionNames } from "./prompt-options.ts";

/**
 * Options of `pipeline("text-generation", …)`. Loading options are for a model named by id or folder; options of a call are
 * what every call takes where it does not name them (`signal` is the loading's).
 */
export interface TextGenerationPipelineOptions
  extends FromPretrainedOptions,
    Omit<TextGenerationOptions, "signal" | "returnFullText" | "returnTensors"> {
  /** Hub id, folder, "tsumugi-mini", or a loaded model (which `pipe.dispose()` then leaves alone). */
  model: string | CausalLM;
  /** Hub id or folder, or a loaded tokenizer. Default: the model's own. */
  tokenizer?: string | Tokenizer | undefined;
}

/**
 * Options of a call of the pipeline: everything of `GenerateOptions` that is no input, and these. `FullText` and `TokenIds` are
 * the types of the two flags that decide what an answer is.
 */
export interface TextGenerationOptions<FullText extends boolean = boolean, TokenIds extends boolean = boolean>
  extends PromptOptions,
    Omit<
      GenerateOptions,
      "inputIds" | "attentionMask" | "tokenizer" | "outputLogits" | "outputScores" | "outputHiddenStates" | "outputAttentions"
    > {
  /** The prompt in front of the answer. Default true. With false, `generatedText` is the new text alone, for chats too. */
  returnFullText?: FullText | undefined;
  /** Token ids in place of text: the prompt's with its pads, then the new ones. Not beside `returnFullText`. Default false. */
  returnTensors?: TokenIds | undefined;
  /** transformers' name for what is done anyway; not beside `returnFullText` and `returnTensors`. */
  returnText?: true | undefined;
  /** In front of every text prompt, but not in `generatedText`; a call's `maxLength` and `minLength` do not count it. Default: the model's. */
  prefix?: string | undefined;
  /** Its tokens end the answer, in place of `eosTokenId`: each of them alone, as in transformers. */
  stopSequence?: string | undefined;
  /** "hole": cut the prompt from the left where it and the new tokens are more than `tokenizer.modelMaxLength`. Default: never cut. */
  handleLongGeneration?: "hole" | null | undefined;
  /** Leave special tokens out of the text. Default true. */
  skipSpecialTokens?: boolean | undefined;
  /** Undo spaces before punctuation. Default: the tokenizer's; no effect for BPE. */
  cleanUpTokenizationSpaces?: boolean | undefined;
  /** Prompts that form one padded batch, as Python sees it (it matters to seeds and penalties). All run at once anyway. Default 1. */
  batchSize?: number | undefined;
}

/** An answer to a text prompt. */
export interface TextOutput {
  /** Prompt and new text, or the new text alone with `returnFullText: false`. */
  generatedText: string;
}

/** An answer as token ids. */
export interface TokenOutput {
  /** Prompt with its pads (of a batch) and special tokens, new tokens, pads up to the longest row of the batch. */
  generatedTokenIds: number[];
}

/** An answer to a chat. */
export interface ChatOutput<Message extends ChatInput = ChatMessage> {
  /** The conversation with the answer. */
  generatedText: Conversation<Message>;
}

/** Messages as they were given, and behind them (or as the end of the last one) the answer, whose content is text. */
export interface Conversation<Message extends ChatInput = ChatMessage> extends Array<Message | TextMessage> {
  at(index: -1): TextMessage;
  at(index: number): Message | TextMessage | undefined;
}

/** Options of the pipeline that are not options of `generate`. */
export const ownNames = [
  "returnFullText",
  "returnTensors",
  "returnText",
  "prefix",
  "stopSequence",
  "handleLongGeneration",
  "skipSpecialTokens",
  "cleanUpTokenizationSpaces",
  "batchSize",
  ...promptOptionNames,
] as const;

/** Options that exist in Python or in `generate`, and not in every pipeline. */
export const callRefusals: Refusals = {
  returnTensors: "ids come from `model.generate`",
  returnText: "the answer is a text anyway",
  prefix: "put it in front of the prompt",
  stopSequence: "use `stopStrings`",
  handleLongGeneration: "cut the text before",
  truncation: "prompts are cut by `handleLongGeneration` only",
  padding: "prompts of a batch are padded, as long as they need",
  tokenizerEncodeKwargs: "encode the prompt and use `model.generate`",
  inputIds: "a pipeline takes text; use `model.generate`",
  attentionMask: "a pipeline takes text; use `model.generate`",
  outputLogits: "use `model.generate`",
  outputScores: "use `model.generate`",
  outputHiddenStates: "use `model.generate`",
  outputAttentions: "use `model.generate`",
  tokenizer: "it is an option of `pipeline` itself",
};

export function refuseCallOptions(options: object, taken: readonly string[] = [], others: Refusals = {}): void {
  checkIsOptions(options);
  const known = Object.keys(options).filter((name) => !(name in callRefusals) || taken.includes(name));
  refuseUnknown(options, known, { ...callRefusals, ...others });
}
