import type { GenerationSettings } from "../decoding/generation-settings.ts";
import { TsumugiError } from "../errors.ts";
import type { ChatMessage, Tokenizer } from "../tokenizer/index.ts";
import { warnOnce } from "../util/warnings.ts";
import { continuesLast } from "./check-text-call.ts";
import type { GenerateOptions } from "./generate-options.ts";
import type { PromptOptions } from "./prompt-options.ts";

/** A text or a chat, as a pipeline gets it. */
export type Prompt = string | readonly ChatMessage[];

/** Token ids of a prompt, with what stands in front of it (texts only). */
export function encodePrompt(tokenizer: Tokenizer, prompt: Prompt, prefix: string, own: PromptOptions): number[] {
  if (typeof prompt === "string") return encodeText(tokenizer, prefix + prompt, own.addSpecialTokens ?? true);
  refuseMedia(prompt);
  return tokenizer.applyChatTemplate(prompt, { ...chatOptions(prompt, own), returnDict: false });
}

function renderChat(tokenizer: Tokenizer, chat: readonly ChatMessage[], own: PromptOptions): string {
  refuseMedia(chat);
  return tokenizer.applyChatTemplate(chat, { ...chatOptions(chat, own), tokenize: false });
}

function chatOptions(chat: readonly ChatMessage[], own: PromptOptions) {
  const { tools, documents, chatTemplateKwargs } = own;
  const continues = continuesLast(chat, own);
  return {
    addGenerationPrompt: !continues,
    continueFinalMessage: continues,
    ...(tools && { tools }),
    ...(documents && { documents }),
    ...(chatTemplateKwargs && { chatTemplateKwargs }),
  };
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

/** Texts from this length on are encoded in slices, so that other work gets its turn. */
const longText = 20_000;

/**
 * Token ids of prompts, each as `encodePrompt` gives them, without holding up the event loop over long texts. Undefined where
 * all are short: they are encoded when their turn comes.
 */
export function encodeLongPrompts(
  tokenizer: Tokenizer,
  prompts: readonly Prompt[],
  prefix: string,
  own: PromptOptions,
): Promise<number[][]> | undefined {
  return prompts.some(isLong) ? encodeInSlices(tokenizer, prompts, prefix, own) : undefined;
}

async function encodeInSlices(
  tokenizer: Tokenizer,
  prompts: readonly Prompt[],
  prefix: string,
  own: PromptOptions,
): Promise<number[][]> {
  const rows: number[][] = [];
  for (const prompt of prompts) {
    const text = typeof prompt === "string" ? prefix + prompt : renderChat(tokenizer, prompt, own);
    const addSpecialTokens = typeof prompt === "string" && (own.addSpecialTokens ?? true);
    const ids = await tokenizer.encodeAsync(text, { addSpecialTokens });
    rows.push(typeof prompt === "string" ? warnOfSecondBos(tokenizer, text, ids, addSpecialTokens) : ids);
  }
  return rows;
}

function isLong(prompt: Prompt): boolean {
  if (typeof prompt === "string") return prompt.length >= longText;
  return prompt.reduce((sum, { content }) => sum + lengthOf(content), 0) >= longText;
}

/** About how long the text of a message is. What JSON cannot hold counts nothing: rendering refuses it by its place. */
function lengthOf(content: unknown): number {
  if (typeof content === "string") return content.length;
  try {
    return JSON.stringify(content)?.length ?? 0;
  } catch {
    return 0;
  }
}

function encodeText(tokenizer: Tokenizer, text: string, addSpecialTokens: boolean): number[] {
  return warnOfSecondBos(tokenizer, text, tokenizer.encode(text, { addSpecialTokens }), addSpecialTokens);
}

/** Warns where a text begins with the BOS token and the tokenizer has put another in front; gives the ids. */
export function warnOfSecondBos(tokenizer: Tokenizer, text: string, ids: number[], addSpecialTokens: boolean): number[] {
  const { bosToken, bosTokenId } = tokenizer;
  if (addSpecialTokens && bosToken && text.startsWith(bosToken) && ids[0] === bosTokenId && ids[1] === bosTokenId) {
    const way = "give the chat itself, or `addSpecialTokens: false`";
    warnOnce(`The prompt begins with "${bosToken}", and the tokenizer puts another in front of it: ${way}.`);
  }
  return ids;
}

/** The lengths that a call names count the prompt without its prefix. */
export function lengthsBehind(
  tokenizer: Tokenizer,
  prefix: string,
  call: GenerateOptions,
  own: PromptOptions,
  { minNewTokens }: GenerationSettings,
): Partial<GenerationSettings> {
  if (prefix === "") return {};
  const length = tokenizer.encode(prefix, { addSpecialTokens: own.addSpecialTokens ?? false }).length;
  const longer = (name: "maxLength" | "minLength") => {
    const value = call[name] ?? call.generationConfig?.[name];
    return typeof value === "number" ? { [name]: value + length } : {};
  };
  // `minNewTokens` has won over `minLength`
  return { ...longer("maxLength"), ...(minNewTokens === null && longer("minLength")) };
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
