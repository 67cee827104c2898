import { TsumugiError } from "../errors.ts";
import type { ChatMessage, Tokenizer } from "../tokenizer/index.ts";
import type { GenerateOptions } from "./generate-options.ts";
import type { GenerationConfig } from "./generation-config.ts";
import type { TextGenerationOptions } from "./pipeline-options.ts";
import { warnOnce } from "./warnings.ts";

/** A text or a chat, as a pipeline gets it. */
export type Prompt = string | readonly ChatMessage[];

type PromptOptions = Pick<
  TextGenerationOptions,
  "addSpecialTokens" | "continueFinalMessage" | "tools" | "documents" | "chatTemplateKwargs"
>;

/** Token ids of a prompt, with what stands in front of it (texts only). */
export function encodePrompt(tokenizer: Tokenizer, prompt: Prompt, prefix: string, own: PromptOptions): number[] {
  if (typeof prompt === "string") return encodeText(tokenizer, prefix + prompt, own.addSpecialTokens ?? true);
  refuseMedia(prompt);
  const { tools, documents, chatTemplateKwargs } = own;
  const continues = continuesLast(prompt, own);
  return tokenizer.applyChatTemplate(prompt, {
    addGenerationPrompt: !continues,
    continueFinalMessage: continues,
    returnDict: false,
    ...(tools && { tools }),
    ...(documents && { documents }),
    ...(chatTemplateKwargs && { chatTemplateKwargs }),
  });
}

/** A template may write a mark for an image, and nothing would stand behind it. */
function refuseMedia(chat: readonly ChatMessage[]): void {
  if (!Array.isArray(chat)) return;
  for (const content of chat.map((message) => message?.content).filter(Array.isArray)) {
    const other = content.find((part) => typeof part?.type === "string" && part.type !== "text");
    if (other === undefined) continue;
    const expected = "text, or a list of parts of type text: images, audio and video cannot be read";
    throw new TsumugiError("invalid_input", { what: "The content of a chat message", expected, given: { type: other.type } });
  }
}

function encodeText(tokenizer: Tokenizer, text: string, addSpecialTokens: boolean): number[] {
  const ids = tokenizer.encode(text, { addSpecialTokens });
  const { bosToken, bosTokenId } = tokenizer;
  if (addSpecialTokens && bosToken && text.startsWith(bosToken) && ids[0] === bosTokenId && ids[1] === bosTokenId) {
    const way = "give the chat itself, or `addSpecialTokens: false`";
    warnOnce(`The prompt begins with "${bosToken}", and the tokenizer puts another in front of it: ${way}.`);
  }
  return ids;
}

/** Whether the answer goes on with the last message. */
export function continuesLast(chat: readonly ChatMessage[], own: Pick<PromptOptions, "continueFinalMessage">): boolean {
  return own.continueFinalMessage ?? chat.at(-1)?.role === "assistant";
}

/** `prefix` of the call, else of the model's task, else of the model. */
export function prefixOf(config: Readonly<Record<string, unknown>>, given: string | undefined): string {
  const tasks = config.task_specific_params as { [task: string]: { prefix?: unknown } | undefined } | null | undefined;
  const found = [given, tasks?.["text-generation"]?.prefix, config.prefix].find((value) => typeof value === "string");
  return (found as string | undefined) ?? "";
}

/** The lengths that a call names count the prompt without its prefix. */
export function lengthsBehind(
  tokenizer: Tokenizer,
  prefix: string,
  call: GenerateOptions,
  own: PromptOptions,
): GenerationConfig {
  if (prefix === "") return {};
  const length = tokenizer.encode(prefix, { addSpecialTokens: own.addSpecialTokens ?? false }).length;
  const longer = (name: "maxLength" | "minLength") => {
    const value = call[name] ?? call.generationConfig?.[name];
    return typeof value === "number" ? { [name]: value + length } : {};
  };
  return { ...longer("maxLength"), ...longer("minLength") };
}

/** What ends an answer in place of `eosTokenId`: each token of `stopSequence`. */
export function stopSequenceIds(tokenizer: Tokenizer, text: string): number[] {
  const ids = tokenizer.encode(text, { addSpecialTokens: false });
  if (ids.length === 0) {
    throw new TsumugiError("invalid_option", { option: "stopSequence", expected: "a text of at least one token", given: text });
  }
  if (ids.length > 1) {
    warnOnce(
      `\`stopSequence\` is ${ids.length} tokens, and each of them alone ends the answer, as in transformers; \`stopStrings\` stops at the text.`,
    );
  }
  return ids;
}

/** `handleLongGeneration: "hole"`: cuts prompts from the left, so that `newTokens` more fit the tokenizer's length. */
export function leaveHole(tokenizer: Tokenizer, rows: readonly number[][], newTokens: number): number[][] {
  const { modelMaxLength } = tokenizer;
  return rows.map((ids) => {
    if (ids.length + newTokens <= modelMaxLength) return ids;
    const kept = modelMaxLength - newTokens;
    if (kept > 0) return ids.slice(-kept);
    const expected = `below the tokenizer's modelMaxLength (${modelMaxLength}), so that something of the prompt stays`;
    throw new TsumugiError("invalid_option", { option: "maxNewTokens", expected, given: newTokens });
  });
}
