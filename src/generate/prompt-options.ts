import type { ChatTemplateOptions } from "../tokenizer/index.ts";

/** Options that say how a text or a chat becomes the model's input. */
export interface PromptOptions {
  /** Put special tokens (BOS) in front of text prompts, as the tokenizer does. Default true. Chats have their own. */
  addSpecialTokens?: boolean | undefined;
  /** Go on with the last message. Default: true where it is an assistant's. Chats only. */
  continueFinalMessage?: boolean | undefined;
  /** Functions the model may call, for the template. Chats only. */
  tools?: ChatTemplateOptions["tools"] | undefined;
  /** Documents for the template. Chats only. */
  documents?: ChatTemplateOptions["documents"] | undefined;
  /** Variables for the template. Chats only. */
  chatTemplateKwargs?: ChatTemplateOptions["chatTemplateKwargs"] | undefined;
}

/** Names of these options. */
export const promptOptionNames = [
  "addSpecialTokens",
  "continueFinalMessage",
  "tools",
  "documents",
  "chatTemplateKwargs",
] as const;
