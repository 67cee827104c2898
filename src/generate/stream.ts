import { AnswerDecoder } from "../decoding/answer-decoder.ts";
import { isSearch } from "../decoding/beams/check-beams.ts";
import type { CallSettings } from "../decoding/resolve-settings.ts";
import { TsumugiError } from "../errors.ts";
import type { ChatInput, Tokenizer } from "../tokenizer/index.ts";
import { checkOptionTypes } from "../util/option-types.ts";
import { warnOnce } from "../util/warnings.ts";
import { checkPrompt, continuesLast, isChat } from "./check-text-call.ts";
import { readCall, settingsOf } from "./generate-call.ts";
import type { GenerateContext } from "./generate-context.ts";
import { checkGenerateOptions, type GenerateOptions } from "./generate-options.ts";
import { readPrompts } from "./inputs.ts";
import { encodeLongPrompts, encodePrompt, warnOfSecondBos } from "./pipeline-prompts.ts";
import { type PromptOptions, promptOptionNames } from "./prompt-options.ts";
import { promptsOfRows } from "./ragged-rows.ts";
import { runCall } from "./run-call.ts";
import type { TextModel, TextModelOptions, TextPrompt } from "./text-model.ts";
import type { StreamResult } from "./text-result.ts";
import { createTextStream, type TextStream } from "./text-stream.ts";
import type { Streamer } from "./text-streamer.ts";

/** Options of `model.stream`: those of `generate` that make sense for one answer. */
export interface StreamOptions
  extends PromptOptions,
    Omit<
      GenerateOptions,
      "streamer" | "numReturnSequences" | "outputLogits" | "outputScores" | "outputHiddenStates" | "outputAttentions"
    > {
  /** The prompt as text; instead of `inputIds`. Special tokens are added as the tokenizer does. */
  prompt?: string | undefined;
  /** The prompt as a conversation, which the tokenizer's chat template writes; instead of `inputIds`. */
  messages?: readonly ChatInput[] | undefined;
}

/** `model.stream({ … })`: see there. Options are checked at once, the work starts with the first `next()` or `result`. */
export function startStream(
  context: GenerateContext,
  model: Pick<TextModel, "id" | "capabilities">,
  options: StreamOptions,
): TextStream<StreamResult> {
  checkGenerateOptions(options as GenerateOptions, ["prompt", "messages", ...promptOptionNames]);
  const { prompt, messages, ...given } = options;
  refuse(options);
  const { own, options: others } = splitOptions(given);
  checkOptionTypes(own, { addSpecialTokens: "boolean", continueFinalMessage: "boolean" });
  const asked = prompt ?? messages;
  if (asked === undefined) refusePromptOptions(own);
  else checkPrompt(model, asked, own);
  return streamOf(context, { prompt: asked, own, options: others });
}

/** `model.stream(prompt, { … })`, whose prompt and options are checked. */
export function startTextStream(
  context: GenerateContext,
  prompt: TextPrompt,
  options: TextModelOptions,
): TextStream<StreamResult> {
  return streamOf(context, splitCall(prompt, options));
}

/**
 * `model.generate(prompt, { … })`, whose prompt and options are checked.
 *
 * @throws what `generate` throws
 */
export async function generateText(
  context: GenerateContext,
  prompt: TextPrompt,
  options: TextModelOptions,
): Promise<StreamResult> {
  const call = splitCall(prompt, options);
  const decided = settingsOfOne(context, call);
  const result = await produce(context, call, decided, options.signal);
  if (result.finishReason !== "abort") return result;
  throw new TsumugiError("aborted", { text: result.text }, { cause: options.signal?.reason });
}

/** One answer that is asked for. Without `prompt`, `options` hold the prompt's ids. */
interface TextCall {
  prompt: TextPrompt | undefined;
  own: PromptOptions;
  options: GenerateOptions;
}

function splitCall(prompt: TextPrompt, given: TextModelOptions): TextCall {
  const { own, options } = splitOptions(given);
  checkGenerateOptions(options);
  return { prompt, own, options };
}

function splitOptions<Options extends PromptOptions>(given: Options) {
  const { addSpecialTokens, continueFinalMessage, tools, documents, chatTemplateKwargs, ...options } = given;
  return { own: { addSpecialTokens, continueFinalMessage, tools, documents, chatTemplateKwargs }, options };
}

function streamOf(context: GenerateContext, call: TextCall): TextStream<StreamResult> {
  const decided = settingsOfOne(context, call);
  return createTextStream((push, stop) => {
    const signal = call.options.signal ? AbortSignal.any([call.options.signal, stop]) : stop;
    return produce(context, call, decided, signal, push);
  });
}

/** The settings of one answer. A model's files may ask for several, or for a search, whose text is known when it ends. */
function settingsOfOne(context: GenerateContext, { options }: TextCall): CallSettings {
  const { numReturnSequences: own } = { ...context.generationConfig, ...options.generationConfig };
  if (typeof own === "number" && own > 1) {
    warnOnce(
      `\`numReturnSequences: ${own}\` has no effect here: one text is asked for. Use \`generate\` with ids, or \`pipeline\`.`,
    );
  }
  return settingsOf(context, { ...options, numReturnSequences: 1 });
}

function refuse(options: StreamOptions): void {
  const given = options as GenerateOptions & StreamOptions;
  for (const option of [
    "streamer",
    "numReturnSequences",
    "outputLogits",
    "outputScores",
    "outputHiddenStates",
    "outputAttentions",
  ] as const) {
    if (given[option] === undefined || given[option] === null || given[option] === 1 || given[option] === false) continue;
    throw new TsumugiError("unsupported_option", { option, reason: "a stream gives one text; use `generate`" });
  }
  const { prompt, messages, inputIds, attentionMask } = given;
  if (prompt !== undefined && typeof prompt !== "string") {
    throw new TsumugiError("invalid_option", { option: "prompt", expected: "a text", given: prompt });
  }
  if (messages !== undefined && !isChat(messages)) {
    const expected = "a conversation, a list of { role, content } that is not empty";
    throw new TsumugiError("invalid_option", { option: "messages", expected, given: messages });
  }
  const prompts = Object.entries({ prompt, messages, inputIds }).filter(([, value]) => value !== undefined);
  if (prompts.length > 1) {
    const options = prompts.map(([name]) => `\`${name}\``).join(" and ");
    throw new TsumugiError("conflicting_options", { options, reason: "each of them is the prompt" });
  }
  if ((prompt ?? messages) !== undefined && attentionMask !== undefined && attentionMask !== null) {
    const options = `\`${prompts[0]![0]}\` and \`attentionMask\``;
    throw new TsumugiError("conflicting_options", { options, reason: "a text has no pads" });
  }
}

/** Ids are the model's input already. */
function refusePromptOptions(own: PromptOptions): void {
  const option = promptOptionNames.find((name) => own[name] !== undefined);
  if (option === undefined) return;
  const reason = "it says how a text or a conversation becomes token ids; give `prompt` or `messages`";
  throw new TsumugiError("unsupported_option", { option, reason });
}

/** Runs the call. Its text goes to `onPiece` as it comes; that of a search, whose rows change until it ends, in one piece. */
async function produce(
  context: GenerateContext,
  { prompt, own, options }: TextCall,
  decided: CallSettings,
  signal: AbortSignal | undefined,
  onPiece?: (piece: string) => void,
): Promise<StreamResult> {
  const tokenizer = options.tokenizer ?? (await context.loadTokenizer());
  const { model } = context;
  const prompts =
    prompt === undefined
      ? readPrompts(model, options, decided.settings)
      : promptsOfRows([await promptIds(tokenizer, prompt, own)], undefined, model, decided.settings);
  let text = "";
  const take = (piece: string): void => {
    if (piece === "") return;
    text += piece;
    onPiece?.(piece);
  };
  // the answer of an encoder-decoder model, or to a chat, goes on from nothing
  const continues = !model.programs.encode && (typeof prompt !== "object" || continuesLast(prompt, own));
  const decoder = new AnswerDecoder(tokenizer, continues ? { promptIds: prompts[0]!.padded } : {});
  let isPrompt = true;
  const streamer: Streamer = {
    put(ids) {
      if (!isPrompt) take(decoder.push(ids as number[]));
      isPrompt = false;
    },
    end() {},
  };
  const comes = onPiece !== undefined && !isSearch(decided.settings);
  if (onPiece && !comes) tellOfSearch(context, decided);
  const call = readCall(context, { ...options, tokenizer, signal, streamer: comes ? streamer : undefined }, decided, prompts);
  const [row, ...others] = await runCall(context, call);
  if (row === undefined || others.length > 0) throw new TsumugiError("internal", { what: "a stream of several rows" });
  if (!comes) take(decoder.push(row.newTokens));
  take(decoder.end());
  const { submitted, firstToken, finished } = row.timings;
  const count = row.newTokens.length;
  const decodeMs = finished - firstToken;
  return {
    text,
    tokenIds: row.newTokens,
    finishReason: row.finishReason,
    usage: { promptTokens: row.prompt.tokens.length, completionTokens: count },
    timings: {
      prefillMs: firstToken - submitted,
      decodeMs,
      tokensPerSecond: count > 1 && decodeMs > 0 ? (1000 * (count - 1)) / decodeMs : 0,
    },
  };
}

/** Who has not asked for a search may wonder why nothing comes. */
function tellOfSearch(context: GenerateContext, { settings, named }: CallSettings): void {
  const option = settings.numBeams > 1 ? "numBeams" : "penaltyAlpha";
  if (named[option] !== undefined) return;
  warnOnce(
    `The model's ${context.settingsFile} asks for a search (\`${option}: ${settings[option]}\`): the text comes when it has ended. ` +
      `With \`${option}: ${option === "numBeams" ? 1 : 0}\` it comes token by token.`,
  );
}

async function promptIds(tokenizer: Tokenizer, prompt: TextPrompt, own: PromptOptions): Promise<number[]> {
  if (typeof prompt !== "string") {
    const long = encodeLongPrompts(tokenizer, [prompt], "", own);
    return long ? (await long)[0]! : encodePrompt(tokenizer, prompt, "", own);
  }
  if (prompt === "") return [];
  const addSpecialTokens = own.addSpecialTokens ?? true;
  return warnOfSecondBos(tokenizer, prompt, await tokenizer.encodeAsync(prompt, { addSpecialTokens }), addSpecialTokens);
}
