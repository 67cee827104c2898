import { isSearch } from "../decoding/beams/check-beams.ts";
import { isGuided } from "../decoding/guided-decoder.ts";
import { requestOf } from "../decoding/request-of.ts";
import type { RowRequest } from "../decoding/request-options.ts";
import type { StepOutputs } from "../decoding/step-outputs.ts";
import { createTokenBytes, type TokenBytes } from "../decoding/token-bytes.ts";
import type { RequestHandle } from "../engine/request.ts";
import { TsumugiError } from "../errors.ts";
import { type RandomStream, readsText } from "../sampling/index.ts";
import { CallbackGuard } from "../util/callback-guard.ts";
import { borrowRandom } from "./borrow-random.ts";
import type { GenerateCall } from "./generate-call.ts";
import type { GenerateContext } from "./generate-context.ts";
import type { GeneratedRow } from "./generated-row.ts";
import type { PromptRow } from "./prompt-row.ts";
import type { Streamer } from "./text-streamer.ts";

/** What all requests of a call are made with, once it is there. */
interface Materials {
  tokenBytes: TokenBytes | undefined;
  stream: RandomStream | undefined;
  outputs: StepOutputs;
  /** What the encoder reads of each prompt, or the model where it has none, pads included. */
  encoderRows: readonly (readonly number[])[];
  /** Tokens of the longest prompt. */
  longest: number;
}

/** A request in the engine. Its rows are those from `firstRow` on. */
interface Submitted {
  request: RowRequest;
  handle: RequestHandle;
  prompt: PromptRow;
  firstRow: number;
}

/** Decodes the rows of a call, and gives them as they are: of their own lengths. Aborted rows end with "abort". */
export async function runCall(
  context: GenerateContext,
  call: GenerateCall,
  outputs: StepOutputs = {},
): Promise<GeneratedRow[]> {
  const { settings, prompts } = call;
  // in the order of the calls, before anything is waited for
  const lease = settings.doSample ? borrowRandom(context.generator, call) : undefined;
  const submitted: Submitted[] = [];
  try {
    await call.assistance?.check();
    const tokenBytes = await prepareTokenBytes(context, call);
    const encoderRows = prompts.map(({ padded, encoder }) => encoder?.padded ?? padded);
    const longest = prompts.reduce((most, { tokens }) => Math.max(most, tokens.length), 0);
    const materials = { tokenBytes, stream: (await lease)?.stream, outputs, encoderRows, longest };
    const guard = new CallbackGuard(() => {
      for (const { handle } of submitted) handle.abort();
    });
    const watched = { ...call, onToken: guard.wrap(call.onToken), streamer: watchStreamer(call.streamer, guard) };
    watched.streamer?.put(prompts[0]!.padded);
    const rows = await decodeRows(context, watched, materials, submitted);
    await guard.settle();
    return rows;
  } finally {
    // the next call on the generator starts behind this one's longest row, as in Python
    const steps = submitted.reduce((most, { request }) => Math.max(most, request.steps()), 0);
    const drawnRows = prompts.length * (settings.numBeams > 1 ? settings.numBeams : settings.numReturnSequences);
    (await lease)?.release(2 * context.model.vocabularySize * drawnRows * steps);
  }
}

/** A streamer whose promises are watched. Once one has been rejected, it gets nothing more. */
function watchStreamer(streamer: Streamer | undefined, guard: CallbackGuard): Streamer | undefined {
  if (!streamer) return undefined;
  const put = guard.wrap((ids: Parameters<Streamer["put"]>[0]) => streamer.put(ids));
  return { put: (ids) => put?.(ids), end: () => streamer.end() };
}

/** Bytes of tokens, where stop strings or processors read text. */
async function prepareTokenBytes(context: GenerateContext, { settings, tokenizer }: GenerateCall) {
  if (!settings.stopStrings && !readsText(settings, settings.doSample)) return undefined;
  return createTokenBytes(tokenizer ?? (await context.loadTokenizer()));
}

/** Runs the requests of all prompts side by side. The first that fails takes the others with it. */
async function decodeRows(
  context: GenerateContext,
  call: GenerateCall,
  materials: Materials,
  submitted: Submitted[],
): Promise<GeneratedRow[]> {
  try {
    for (const index of call.prompts.keys()) submitPrompt(context, call, materials, index, submitted);
    const results = await Promise.all(submitted.map(({ handle }) => handle.result));
    const rows = submitted.flatMap(({ request, prompt }, at) => {
      const result = results[at]!;
      return request.rows(result).map((row): GeneratedRow => ({ ...row, prompt, timings: result.timings }));
    });
    if (isSearch(call.settings)) tellTokens(rows, call);
    return rows;
  } catch (error) {
    for (const { handle } of submitted) handle.abort();
    await Promise.allSettled(submitted.map(({ handle }) => handle.result));
    throw error;
  }
}

/** Submits the rows of one prompt: as one gang where the engine has room for it, else as several. */
function submitPrompt(
  context: GenerateContext,
  call: GenerateCall,
  materials: Materials,
  index: number,
  submitted: Submitted[],
): void {
  const { settings, prompts } = call;
  const copies = settings.numReturnSequences;
  const isWhole = isSearch(settings);
  let count = isWhole ? copies : isGuided(settings) ? 1 : Math.min(context.maxSequences, copies);
  for (let from = 0; from < copies; from += count) {
    count = Math.min(count, copies - from);
    const firstRow = index * copies + from;
    let handle: RequestHandle | undefined;
    while (!handle) {
      const request = requestFor(context, call, materials, index, firstRow, count);
      try {
        handle = context.engine.submit(request);
        handle.result.catch(() => {}); // reported by `decodeRows`
        submitted.push({ request, handle, prompt: prompts[index]!, firstRow });
      } catch (error) {
        // A gang is admitted as a whole: copies that do not fit the cache together run after each other.
        const isTooLarge = TsumugiError.isInstance(error) && error.code === "request_too_large";
        if (isWhole || count === 1 || !isTooLarge) throw error;
        count = Math.ceil(count / 2);
      }
    }
  }
}

/** The request of `copies` rows of the prompt at this index. */
function requestFor(
  { model }: GenerateContext,
  call: GenerateCall,
  { tokenBytes, stream, outputs, encoderRows, longest }: Materials,
  index: number,
  firstRow: number,
  copies: number,
): RowRequest {
  const { settings, prompts, negatives, streamer, onToken } = call;
  const prompt = prompts[index]!;
  const place = {
    prompt: index,
    prompts: prompts.length,
    firstRow,
    rows: prompts.length * settings.numReturnSequences,
    encoderRows,
    // with dynamic RoPE the longest prompt of a call decides for all, as in transformers
    rotaryLead: longest - prompt.tokens.length,
  };
  return requestOf(
    settings,
    { ...prompt, negative: negatives?.[firstRow] },
    {
      model,
      tokenBytes,
      stream,
      outputs,
      maxNewTokens: call.maxNewTokens,
      copies,
      place,
      stoppingCriteria: call.stoppingCriteria,
      assistance: call.assistance,
      deadline: call.deadline,
      signal: call.signal,
      onToken(row, token, finishReason) {
        onToken?.({ row, token, finishReason });
        streamer?.put([token]);
      },
    },
  );
}

/** The tokens of a search are known when it has ended. */
function tellTokens(rows: readonly GeneratedRow[], { onToken }: GenerateCall): void {
  for (const [row, { newTokens, finishReason }] of rows.entries()) {
    newTokens.forEach((token, place) => {
      onToken?.({ row, token, finishReason: place === newTokens.length - 1 ? finishReason : undefined });
    });
  }
}
