import type { ChatInput } from "../tokenizer/index.ts";
import type { ChatOutput, TextOutput, TokenOutput } from "./pipeline-options.ts";

/** What a pipeline answers: a text, a chat, or a list of one kind. */
export type PipelineInput = string | readonly string[] | readonly ChatInput[] | readonly (readonly ChatInput[])[];

/** `numReturnSequences` answers to one prompt. */
export type Answers<Output> = [Output, ...Output[]];

/**
 * What a pipeline gives for an input: `Answers` to one prompt, a list of `Answers` to a list. `FullText` and `TokenIds`: the
 * flags `returnFullText` and `returnTensors`; where they are no literals, an answer is one of several kinds.
 */
export type PipelineAnswers<Input, FullText extends boolean, TokenIds extends boolean> = Input extends string
  ? Answers<OutputOf<string, FullText, TokenIds>>
  : Input extends readonly string[]
    ? Answers<OutputOf<string, FullText, TokenIds>>[]
    : Input extends readonly (infer Chat extends readonly ChatInput[])[]
      ? Answers<OutputOf<Chat, FullText, TokenIds>>[]
      : Answers<OutputOf<Input, FullText, TokenIds>>;

type OutputOf<Prompt, FullText extends boolean, TokenIds extends boolean> = TokenIds extends true
  ? TokenOutput
  : Prompt extends readonly (infer Message extends ChatInput)[]
    ? FullText extends true
      ? ChatOutput<Message>
      : TextOutput
    : TextOutput;
