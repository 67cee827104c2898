import { AnswerDecoder } from "../decoding/answer-decoder.ts";
import type { CallSettings } from "../decoding/resolve-settings.ts";
import { TsumugiError } from "../errors.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { continuesLast } from "./check-text-call.ts";
import { readCall, settingsOf } from "./generate-call.ts";
import type { GenerateContext } from "./generate-context.ts";
import { checkGenerateOptions, type GenerateOptions } from "./generate-options.ts";
import { readPrompts } from "./inputs.ts";
import { encodePrompt } from "./pipeline-prompts.ts";
import type { PromptOptions } from "./prompt-options.ts";
import { promptsOfRows } from "./ragged-rows.ts";
import { runCall } from "./run-call.ts";
import type { TextModelOptions, TextPrompt } from "./text-model.ts";
import type { StreamResult } from "./text-result.ts";
import { createTextStream, type TextStream } from "./text-stream.ts";
import type { Streamer } from "./text-streamer.ts";

/** Options of `model.stream`: those of `generate` that make sense for one answer. */
export interface StreamOptions
  extends Omit<
    GenerateOptions,
    "streamer" | "numReturnSequences" | "outputLogits" | "outputScores" | "outputHiddenStates" | "outputAttentions"
  > {
  /** The prompt as text; instead of `inputIds`. Special tokens are added as the tokenizer does. */
  prompt?: string | undefined;
}

/** `model.stream({ … })`: see there. Options are checked at once, the work starts with the first `next()` or `result`. */
export function startStream(context: GenerateContext, options: StreamOptions): TextStream<StreamResult> {
  checkGenerateOptions(options as GenerateOptions, ["prompt"]);
  const { prompt, ...given } = options;
  refuse(options);
  return streamOf(context, { prompt, own: {}, options: given });
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
  // the model's files may ask for several answers; this is one
  const decided = settingsOf(context, { ...call.options, numReturnSequences: 1 });
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
  const { addSpecialTokens, continueFinalMessage, tools, documents, chatTemplateKwargs, ...options } = given;
  checkGenerateOptions(options);
  return { prompt, own: { addSpecialTokens, continueFinalMessage, tools, documents, chatTemplateKwargs }, options };
}

function streamOf(context: GenerateContext, call: TextCall): TextStream<StreamResult> {
  const decided = settingsOf(context, call.options);
  return createTextStream((push, stop) => {
    const signal = call.options.signal ? AbortSignal.any([call.options.signal, stop]) : stop;
    return produce(context, call, decided, signal, push);
  });
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
  const { prompt, inputIds, attentionMask } = given;
  if (prompt === undefined) return;
  if (typeof prompt !== "string") {
    throw new TsumugiError("invalid_option", { option: "prompt", expected: "a text", given: prompt });
  }
  if (inputIds !== undefined) {
    throw new TsumugiError("conflicting_options", { options: "`prompt` and `inputIds`", reason: "both are the prompt" });
  }
  if (attentionMask !== undefined && attentionMask !== null) {
    const reason = "a text has no pads";
    throw new TsumugiError("conflicting_options", { options: "`prompt` and `attentionMask`", reason });
  }
}

/** Runs the call. Its text goes to `onPiece` as it comes; without it, it is known at the end, which a search over beams needs. */
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
  const call = readCall(context, { ...options, tokenizer, signal, streamer: onPiece && streamer }, decided, prompts);
  const [row, ...others] = await runCall(context, call);
  if (row === undefined || others.length > 0) throw new TsumugiError("internal", { what: "a stream of several rows" });
  if (!onPiece) take(decoder.push(row.newTokens));
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

async function promptIds(tokenizer: Tokenizer, prompt: TextPrompt, own: PromptOptions): Promise<number[]> {
  if (typeof prompt !== "string") return encodePrompt(tokenizer, prompt, "", own);
  return prompt === "" ? [] : tokenizer.encodeAsync(prompt, { addSpecialTokens: own.addSpecialTokens ?? true });
}
