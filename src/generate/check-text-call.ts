import { TsumugiError } from "../errors.ts";
import { checkOptionTypes } from "../util/option-types.ts";
import { refuseUnknown } from "../util/unknown-options.ts";
import { generateOptionNames } from "./generate-options.ts";
import { loadingInCalls } from "./load-options.ts";
import { type PromptOptions, promptOptionNames } from "./prompt-options.ts";
import { notForText, type TextModel, type TextModelOptions, type TextPrompt } from "./text-model.ts";

/** Options that speak of token ids. */
const idNames = [
  "inputIds",
  "attentionMask",
  "returnTensors",
  "streamer",
  "onToken",
  "stoppingCriteria",
  "logitsProcessor",
  "negativePromptIds",
  "negativePromptAttentionMask",
];

const isNotForText = (name: string): boolean => (notForText as readonly string[]).includes(name);

/** Names of `TextModelOptions`. */
export const textModelOptionNames: readonly string[] = [
  ...generateOptionNames.filter((name) => !isNotForText(name)),
  ...promptOptionNames,
];

/** Whether a value is a conversation: a list of messages. */
export function isChat(value: unknown): value is readonly { role: string; content?: unknown }[] {
  const isMessage = (item: unknown) => typeof item === "object" && item !== null && "role" in item && "content" in item;
  return Array.isArray(value) && value.length > 0 && value.every(isMessage);
}

/** Whether a value is what a `TextModel` is asked. */
export function isTextPrompt(value: unknown): value is TextPrompt {
  return typeof value === "string" || isChat(value);
}

/** Whether a conversation ends in an assistant's message, which an answer goes on with where nobody says otherwise. */
export function continuesLast(chat: readonly { role: string }[], own: Pick<TextModelOptions, "continueFinalMessage">): boolean {
  return own.continueFinalMessage ?? chat.at(-1)?.role === "assistant";
}

/**
 * Refuses, by name, what a model's `capabilities` do not have: chats or texts, and options that it does not list. Options
 * that are `undefined` or `null` say nothing. Every `TextModel` calls this before it does anything.
 *
 * @throws `invalid_input`, `unsupported_option`, `unknown_option`, `invalid_option`
 *
 * @example
 * ```ts
 * const capabilities = { text: true, chat: false, tokenIds: false, options: ["maxNewTokens"] };
 * checkTextCall({ id: "echo", capabilities }, "Hello", { maxNewTokens: 4 });
 * // checkTextCall({ id: "echo", capabilities }, "Hello", { numBeams: 4 }) throws: Option `numBeams` is not supported
 * ```
 */
export function checkTextCall(
  model: Pick<TextModel, "id" | "capabilities">,
  prompt: TextPrompt,
  options: TextModelOptions = {},
): void {
  checkTextOptions(model, options);
  checkPrompt(model, prompt, options);
}

/**
 * The part of `checkTextCall` about the prompt: whether the model takes its kind, and options of the other kind.
 *
 * @throws `invalid_input`, `unsupported_option`
 */
export function checkPrompt(
  { id, capabilities }: Pick<TextModel, "id" | "capabilities">,
  prompt: TextPrompt,
  options: PromptOptions,
): void {
  const takes = [capabilities.text && "a text", capabilities.chat && "a chat (a list of { role, content })"];
  const expected = `${takes.filter(Boolean).join(" or ")}: it is what the model \`${id}\` takes`;
  const isTaken = typeof prompt === "string" ? capabilities.text : isChat(prompt) && capabilities.chat;
  if (!isTaken) throw new TsumugiError("invalid_input", { what: "The prompt", expected, given: prompt });
  if (typeof prompt === "string") {
    refuseNamed(
      options,
      ["tools", "documents", "chatTemplateKwargs", "continueFinalMessage"],
      "it is for chats, and the prompt is a text",
    );
    return;
  }
  refuseNamed(options, ["addSpecialTokens"], "a chat template writes special tokens itself");
  if (!continuesLast(prompt, options) || capabilities.options.includes("continueFinalMessage")) return;
  const reason = `the model \`${id}\` cannot go on with the last message; with false it answers behind it`;
  throw new TsumugiError("unsupported_option", { option: "continueFinalMessage", reason });
}

/** `checkTextCall` for options alone: those that hold for prompts to come. */
export function checkTextOptions(
  { id, capabilities }: Pick<TextModel, "id" | "capabilities">,
  options: TextModelOptions,
): void {
  const withIds = capabilities.tokenIds ? "; what asks for more gives ids: `generate({ ...tokenizer(text), … })`" : "";
  const taken = [...capabilities.options, "signal", "continueFinalMessage"];
  const names: readonly string[] = [...generateOptionNames, ...promptOptionNames, ...idNames, ...taken];
  refuseUnknown(options, names, loadingInCalls);
  checkOptionTypes(options, { signal: "signal", continueFinalMessage: "boolean", addSpecialTokens: "boolean" });
  for (const [option, value] of Object.entries(options)) {
    if (value === undefined || value === null || taken.includes(option)) continue;
    const isOfIds = idNames.includes(option) && !capabilities.tokenIds;
    const why = isOfIds
      ? "takes and gives text, and no token ids"
      : isNotForText(option)
        ? `gives one text to a prompt${withIds}`
        : "cannot honour it";
    throw new TsumugiError("unsupported_option", { option, reason: `the model \`${id}\` ${why}` });
  }
}

function refuseNamed(options: PromptOptions, names: readonly (keyof PromptOptions)[], reason: string): void {
  const option = names.find((name) => options[name] !== undefined);
  if (option !== undefined) throw new TsumugiError("unsupported_option", { option, reason });
}
