import { TsumugiError } from "../errors.ts";
import type { ChatMessage } from "../tokenizer/index.ts";
import { showValue } from "../util/show-value.ts";
import { renderTemplate } from "./render-template.ts";

/** What a chat template is rendered with. */
export interface RenderChatTemplateOptions {
  tools?: readonly Record<string, unknown>[] | undefined;
  documents?: readonly Record<string, unknown>[] | undefined;
  addGenerationPrompt?: boolean | undefined;
  /** Leaves the last message open. A string names the field that goes on. Default field: `content`. */
  continueFinalMessage?: boolean | string | undefined;
  /** Further variables: special tokens, and what the caller passes on. */
  variables?: Record<string, unknown>;
}

const sentinel = "CONTINUE_FINAL_MESSAGE_TAG ";

/**
 * Renders one conversation through one template.
 *
 * To leave the last message open, a mark is put behind its text, and what the template writes from the mark on is cut off. If
 * the template trimmed the text, the result is trimmed too, as in transformers.
 *
 * Errors: `invalid_input`, `conflicting_options`, `chat_template_failed`.
 *
 * @example
 * ```ts
 * renderChatTemplate("{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}", [{ role: "user", content: "Hi" }]);
 * ```
 */
export function renderChatTemplate(
  template: string,
  messages: readonly ChatMessage[],
  options: RenderChatTemplateOptions = {},
): string {
  const { tools, documents, addGenerationPrompt = false, continueFinalMessage = false, variables } = options;
  checkMessages(messages);
  for (const [name, list] of Object.entries({ tools, documents })) checkRecords(name, list);
  if (continueFinalMessage && addGenerationPrompt)
    throw new TsumugiError("conflicting_options", {
      options: "`continueFinalMessage` and `addGenerationPrompt`",
      reason: "the first goes on with the last message, the second opens a new one",
    });
  const field = continueFinalMessage === true ? "content" : continueFinalMessage;
  const marked = field ? markLast(messages, field, template) : { messages, final: "" };
  const values = { messages: marked.messages, tools: tools ?? null, documents: documents ?? null };
  let text: string;
  try {
    text = renderTemplate(template, { ...variables, ...values, add_generation_prompt: addGenerationPrompt });
  } catch (error) {
    throw withoutContent(error, messages) ?? error;
  }
  return field ? cut(text, marked.final) : text;
}

/**
 * Names the message without text that a template failed at, where it failed at a value that is not there. The template's own
 * error names neither message nor field.
 */
function withoutContent(cause: unknown, messages: readonly ChatMessage[]): TsumugiError | undefined {
  if (!TsumugiError.isInstance(cause) || cause.details.raised !== false) return undefined;
  const index = messages.findIndex(({ content }) => typeof content !== "string" && !Array.isArray(content));
  if (index < 0) return undefined;
  const { content } = messages[index]!;
  const isNothing = content === undefined || content === null;
  if (isNothing && !/None|undefined|'content'/.test(String(cause.details.reason))) return undefined;
  const expected = "one whose `content` is a text (or a list of parts): the chat template reads it";
  const given = content === undefined ? "no `content`" : `\`content: ${showValue(content)}\``;
  return new TsumugiError("invalid_input", { what: nameOf(messages, index), expected, given }, { cause });
}

function nameOf(messages: readonly ChatMessage[], index: number): string {
  return `Message ${index} of the conversation (\`role: "${messages[index]!.role}"\`)`;
}

function markLast(messages: readonly ChatMessage[], field: string, template: string) {
  const last = messages.at(-1) as ChatMessage;
  const value = last[field];
  if (value === undefined || value === null) throw notContinuable(`its last message has no \`${field}\``);
  if (!template.includes(field)) throw notContinuable(`the chat template has no field \`${field}\``);
  const marked = (changed: unknown) => [...messages.slice(0, -1), { ...last, [field]: changed }];
  const textIn = (given: unknown) => {
    if (typeof given === "string") return given;
    throw notContinuable(`the \`${field}\` of its last message is no text`);
  };
  if (!Array.isArray(value)) {
    const final = textIn(value);
    return { messages: marked(final + sentinel), final };
  }
  const at = value.findLastIndex((item) => typeof item === "object" && item !== null && "text" in item);
  if (at < 0) throw notContinuable("its last message has no text");
  const final = textIn(value[at].text);
  return { messages: marked(value.with(at, { ...value[at], text: final + sentinel })), final };
}

function cut(text: string, final: string): string {
  const mark = sentinel.trim();
  const at = text.lastIndexOf(mark);
  if (at < 0 || !text.includes(final.trim())) throw notContinuable("the chat template changes or drops its last message");
  const kept = text.slice(0, at);
  return text.startsWith(sentinel, at) ? kept : kept.trimEnd();
}

function checkMessages(messages: readonly ChatMessage[]): void {
  const what = "The conversation";
  if (!Array.isArray(messages) || messages.length === 0)
    throw new TsumugiError("invalid_input", { what, expected: "a list of at least one message", given: messages });
  for (const [index, message] of messages.entries()) {
    if (typeof message !== "object" || message === null || typeof message.role !== "string")
      throw new TsumugiError("invalid_input", { what, expected: "a list of { role, content } messages", given: message });
    const hasMore = Object.entries(message).some(([name, value]) => name !== "role" && value !== undefined);
    if (hasMore) continue;
    throw new TsumugiError("invalid_input", { what: nameOf(messages, index), expected: "one with `content`", given: "none" });
  }
}

function checkRecords(option: string, list: readonly unknown[] | undefined): void {
  if (list === undefined || list === null) return;
  const plain = Array.isArray(list) && list.every((item) => typeof item === "object" && item !== null && !Array.isArray(item));
  const expected = option === "tools" ? "a list of JSON schemas" : "a list of objects with `title` and `text`";
  if (!plain) throw new TsumugiError("invalid_option", { option, expected, given: list });
}

function notContinuable(reason: string): TsumugiError {
  return new TsumugiError("invalid_input", {
    what: "The conversation",
    expected: "one whose last message can be continued (`continueFinalMessage`)",
    given: reason,
  });
}
