import { TsumugiError } from "../errors.ts";
import type { ChatMessage, ChatTemplateOptions, Conversations, RenderedChat, Tokenizer } from "../tokenizer/index.ts";
import { refuseUnknownOptions } from "../tokenizer/options.ts";
import { checkIsOptions, checkOptionTypes } from "../util/option-types.ts";
import { warnOnce } from "../util/warnings.ts";
import { renderChatTemplate } from "./render-chat-template.ts";
import { namesOfTemplate } from "./render-template.ts";
import { selectTemplate } from "./select-template.ts";

const known = [
  ...["tokenize", "returnDict", "addGenerationPrompt", "continueFinalMessage", "tools", "documents", "chatTemplate"],
  ...["chatTemplateKwargs", "padding", "truncation", "maxLength"],
];

/** Variables that options of their own set, so that `chatTemplateKwargs` may not. */
const reserved = ["messages", "tools", "documents", "add_generation_prompt"];

/**
 * Renders one conversation, or several, through a tokenizer's chat template. The result is text or token ids; no special tokens
 * are added, because the template writes them itself. It is the implementation of `tokenizer.applyChatTemplate`.
 *
 * Errors: `unknown_option`, `invalid_input`, `conflicting_options`, `missing_chat_template`, `chat_template_failed`.
 *
 * @example
 * ```ts
 * tokenizer.applyChatTemplate([{ role: "user", content: "Hi" }], { tokenize: false, addGenerationPrompt: true });
 * ```
 *
 * Source: transformers 5 `apply_chat_template`.
 */
export function applyChatTemplate(
  tokenizer: Tokenizer,
  messages: Conversations,
  options: ChatTemplateOptions = {},
): RenderedChat {
  refuseUnknownOptions(options, known, "; variables for the template go into `chatTemplateKwargs`");
  checkOptionTypes(options, {
    tokenize: "boolean",
    returnDict: "boolean",
    addGenerationPrompt: "boolean",
    chatTemplate: "string",
  });
  const { continueFinalMessage: field } = options;
  if (typeof field !== "string") checkOptionTypes({ continueFinalMessage: field }, { continueFinalMessage: "boolean" });
  checkIsOptions(options.chatTemplateKwargs, "`chatTemplateKwargs`");
  const { tokenize = true, returnDict = true, chatTemplateKwargs = {}, tools, documents } = options;
  for (const name of reserved)
    if (name in chatTemplateKwargs)
      throw new TsumugiError("unsupported_option", {
        option: `chatTemplateKwargs.${name}`,
        reason: "it is an option of its own",
      });
  const template = selectTemplate(tokenizer.chatTemplate, options.chatTemplate, tools !== undefined && tools !== null);
  const batched = Array.isArray(messages) && Array.isArray(messages[0]);
  const conversations = (batched ? messages : [messages]) as readonly (readonly ChatMessage[])[];
  const texts = conversations.map((conversation) =>
    renderChatTemplate(template, conversation, {
      tools,
      documents,
      addGenerationPrompt: options.addGenerationPrompt,
      continueFinalMessage: options.continueFinalMessage,
      variables: { ...tokenizer.specialTokensMap, ...chatTemplateKwargs },
    }),
  );
  warnOfUnread(template, { ...chatTemplateKwargs, tools, documents });
  if (!tokenize) refuseLayout(options);
  if (!tokenize) return batched ? texts : (texts[0] ?? "");
  // as in Python, a length alone does not cut a conversation: the end, where the answer begins, would be lost
  const { padding, truncation = false, maxLength } = options;
  const encoding = tokenizer(batched ? texts : (texts[0] ?? ""), { padding, truncation, maxLength, addSpecialTokens: false });
  return returnDict ? encoding : encoding.inputIds;
}

/** Names what the caller gives and the template never reads: the model would not be told of it. */
function warnOfUnread(template: string, variables: Record<string, unknown>): void {
  const given = Object.entries(variables).filter(([, value]) => !isNothing(value));
  if (given.length === 0) return;
  const read = namesOfTemplate(template);
  const unread = given.map(([name]) => name).filter((name) => !read.has(name));
  if (unread.length === 0) return;
  const shown = unread.slice(0, 10).map((name) => `\`${name.slice(0, 60)}\``);
  warnOnce(`The chat template never reads ${shown.join(", ")}${unread.length > 10 ? ", …" : ""}: the model is not told of it.`);
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0);
}

/** Text is neither padded nor cut. */
function refuseLayout(options: ChatTemplateOptions): void {
  for (const name of ["padding", "truncation", "maxLength"] as const) {
    if (options[name] === undefined || options[name] === false) continue;
    throw new TsumugiError("conflicting_options", {
      options: `\`${name}\` and \`tokenize: false\``,
      reason: "text is neither padded nor cut off",
    });
  }
}
