import { TsumugiError } from "../errors.ts";
import type { ChatMessage } from "../tokenizer/index.ts";
import { continuesLast, isChat } from "./check-text-call.ts";
import type { Prompt } from "./pipeline-prompts.ts";
import type { PromptOptions } from "./prompt-options.ts";

/** A conversation, as a pipeline gets it. */
export type Chat = readonly ChatMessage[];

/** What a pipeline is called with: one prompt or a list of one kind. Throws `invalid_input`. */
export function readInput(input: unknown): { prompts: Prompt[]; single: boolean } {
  if (typeof input === "string") return { prompts: [input], single: true };
  if (isChat(input)) return { prompts: [input], single: true };
  if (Array.isArray(input) && input.every((item) => typeof item === "string")) return { prompts: input, single: false };
  if (Array.isArray(input) && input.every(isChat)) return { prompts: input, single: false };
  const expected = "a text, a list of texts, a chat (a list of { role, content }) or a list of chats";
  throw new TsumugiError("invalid_input", { what: "The pipeline's input", expected, given: input });
}

/** A prompt with its answer: one text, or the conversation with the assistant's message. */
export function joined(prompt: Prompt, text: string, own: PromptOptions): string | ChatMessage[] {
  if (typeof prompt === "string") return prompt + text;
  if (!continuesLast(prompt, own)) return [...prompt, { role: "assistant", content: text }];
  const last = prompt.at(-1)!;
  return [...prompt.slice(0, -1), { ...last, content: `${String(last.content)}${text}` }];
}
