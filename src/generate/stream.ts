import { AnswerDecoder } from "../decoding/answer-decoder.ts";
import type { CallSettings } from "../decoding/resolve-settings.ts";
import type { FinishReason } from "../engine/request.ts";
import { TsumugiError } from "../errors.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { readCall, settingsOf } from "./generate-call.ts";
import type { GenerateContext } from "./generate-context.ts";
import { checkGenerateOptions, type GenerateOptions } from "./generate-options.ts";
import { readPrompts } from "./inputs.ts";
import { PieceQueue } from "./piece-queue.ts";
import { promptsOfRows } from "./ragged-rows.ts";
import { runCall } from "./run-call.ts";
import type { Streamer } from "./text-streamer.ts";

/** Options of `model.stream`: those of `generate` that make sense for one answer. */
export interface StreamOptions
  extends Omit<
    GenerateOptions,
    "streamer" | "numReturnSequences" | "outputLogits" | "outputScores" | "outputHiddenStates" | "outputAttentions"
  > {
  /** The prompt as text; instead of `inputIds`. Special tokens are added as the tokenizer does. */
  prompt?: string;
}

/** How a stream ended. */
export interface StreamResult {
  /** All pieces together: the new text. */
  text: string;
  /** New tokens, the end token included. */
  tokenIds: number[];
  finishReason: FinishReason;
  usage: { promptTokens: number; completionTokens: number };
  /** Milliseconds until the first token (waiting included) and after it; tokens per second after the first. */
  timings: { prefillMs: number; decodeMs: number; tokensPerSecond: number };
}

/** Pieces of one answer, and how it ended. It can be read once. */
export interface TextStream extends AsyncIterableIterator<string> {
  /** Settles when the answer has ended, also when nobody reads the pieces. */
  readonly result: Promise<StreamResult>;
}

/** `model.stream`: see there. Options are checked at once, the work starts with the first `next()` or `result`. */
export function startStream(context: GenerateContext, options: StreamOptions): TextStream {
  checkGenerateOptions(options as GenerateOptions, ["prompt"]);
  const { prompt, ...given } = options;
  refuse(options);
  const decided = settingsOf(context, given);
  const stop = new AbortController();
  const pieces = new PieceQueue();
  let running: Promise<StreamResult> | undefined;
  const start = (): Promise<StreamResult> => {
    if (running) return running;
    running = produce(context, options, decided, stop.signal, (piece) => pieces.push(piece));
    running.then(
      () => pieces.end(),
      (error: unknown) => pieces.end({ error }), // `next` throws it
    );
    return running;
  };
  return {
    get result() {
      return start();
    },
    async next() {
      void start();
      return pieces.next();
    },
    async return() {
      stop.abort(); // also for a `result` that is asked for only now
      if (running && !pieces.hasEnded) await running.catch(() => {});
      pieces.close();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
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

async function produce(
  context: GenerateContext,
  { prompt, ...options }: StreamOptions,
  decided: CallSettings,
  stop: AbortSignal,
  onPiece: (piece: string) => void,
): Promise<StreamResult> {
  const tokenizer = await findTokenizer(context, options.tokenizer);
  const { model } = context;
  const prompts =
    prompt === undefined
      ? readPrompts(model, options, decided.settings)
      : promptsOfRows([prompt === "" ? [] : await tokenizer.encodeAsync(prompt)], undefined, model, decided.settings);
  const signal = options.signal ? AbortSignal.any([options.signal, stop]) : stop;
  let text = "";
  const take = (piece: string): void => {
    if (piece === "") return;
    text += piece;
    onPiece(piece);
  };
  let decoder: AnswerDecoder | undefined;
  // `put` is called with the prompt first
  const streamer: Streamer = {
    put(ids) {
      if (decoder) take(decoder.push(ids as number[]));
      // an answer of an encoder-decoder model goes on from nothing
      else decoder = new AnswerDecoder(tokenizer, model.programs.encode ? {} : { promptIds: ids as number[] });
    },
    end() {},
  };
  const call = readCall(context, { ...options, tokenizer, signal, streamer }, decided, prompts);
  const [row, ...others] = await runCall(context, call);
  if (row === undefined || others.length > 0) throw new TsumugiError("internal", { what: "a stream of several rows" });
  if (decoder) take(decoder.end());
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

async function findTokenizer(context: GenerateContext, given: Tokenizer | undefined): Promise<Tokenizer> {
  return given ?? (await context.loadTokenizer());
}
