import type { AssistedReport } from "../decoding/assisted/assisted-report.ts";
import { isSearch } from "../decoding/beams/check-beams.ts";
import { generationFieldNames } from "../decoding/generation-fields.ts";
import type { GenerationSettings } from "../decoding/generation-settings.ts";
import { GuidedDecoder, isGuided } from "../decoding/guided-decoder.ts";
import { newTokenLimit } from "../decoding/lengths.ts";
import { resolveSettings } from "../decoding/resolve-settings.ts";
import { RowDecoder } from "../decoding/row-decoder.ts";
import type { StepOutputs } from "../decoding/step-outputs.ts";
import { StopStrings } from "../decoding/stop-strings.ts";
import { readStoppingCriteria } from "../decoding/stopping-criteria.ts";
import { createTokenBytes, type TokenBytes } from "../decoding/token-bytes.ts";
import type { FinishReason, Request, RequestHandle } from "../engine/request.ts";
import { TsumugiError } from "../errors.ts";
import type { Model } from "../ops/program.ts";
import {
  createProcessorChain,
  leaseRandom,
  type RandomLease,
  type RandomStream,
  readsText,
  torchStream,
} from "../sampling/index.ts";
import { warnOnce } from "../util/warnings.ts";
import { type Assistance, readAssistance } from "./assistance.ts";
import { attentionsOf, crossAttentionsOf, encoderAttentionsOf } from "./attentions.ts";
import type { GenerateContext } from "./generate-context.ts";
import type { GenerateOptions, GenerateResult } from "./generate-options.ts";
import type { GeneratedRow } from "./generated-row.ts";
import { encoderHiddenStatesOf, hiddenStatesOf } from "./hidden-states.ts";
import { type PromptRow, readEncoderInputs, readInputs, rotaryLead } from "./inputs.ts";
import { readNegativePrompts } from "./negative-prompts.ts";
import { padBeams, runBeams } from "./run-beams.ts";
import { StateRecorder, type WantedStates } from "./state-recorder.ts";
import { StepRecorder } from "./step-recorder.ts";
import { wantedStates } from "./wanted-states.ts";

interface Plan {
  settings: GenerationSettings;
  prompts: PromptRow[];
  /** With guidance: the negative prompt of each output row. */
  negatives: number[][] | undefined;
  limit: number;
  copies: number;
  rows: number;
  deadline: number | undefined;
  assistance: Assistance | undefined;
}

/** `generate` with its parts in view: rows as they are, before padding. Aborted rows end with "abort" and are returned. */
export async function generateRows(
  context: GenerateContext,
  options: GenerateOptions,
  outputs: StepOutputs = {},
): Promise<GeneratedRow[]> {
  const plan = makePlan(context, options);
  // in the order of the calls, before anything is waited for
  const lease = plan.settings.doSample ? lend(context, options) : undefined;
  const { numBeams } = plan.settings;
  const drawnRows = numBeams > 1 ? plan.prompts.length * numBeams : plan.rows;
  let longest = 0;
  try {
    await plan.assistance?.check();
    const tokenBytes = await prepareTokenBytes(context, options, plan.settings);
    const parts = { tokenBytes, stream: (await lease)?.stream, outputs };
    if (isSearch(plan.settings)) {
      return await runBeams(context, options, { ...plan, ...parts }, (steps) => {
        longest = steps;
      });
    }
    return await runRows(context, options, plan, parts, (row, token, count, finishReason) => {
      longest = Math.max(longest, count);
      options.onToken?.({ row, token, finishReason });
      options.streamer?.put([token]);
    });
  } finally {
    // the next call on the generator starts behind this one's longest row, as in Python
    (await lease)?.release(2 * context.model.vocabularySize * drawnRows * longest);
  }
}

/** `model.generate`: see `CausalLM.generate`. */
export async function generate(context: GenerateContext, options: GenerateOptions): Promise<GenerateResult> {
  const { streamer } = options;
  let begun = false;
  try {
    const settings = settingsOf(context, options);
    const watched = streamer && {
      put(ids: Parameters<typeof streamer.put>[0]) {
        begun = true;
        streamer.put(ids);
      },
      end() {},
    };
    const logits = settings.outputLogits ? new StepRecorder() : undefined;
    const scores = settings.outputScores ? new StepRecorder() : undefined;
    const wanted = wantedStates(context.model, options, settings);
    const states = wanted && new StateRecorder(wanted);
    let assisted: AssistedReport | undefined;
    const onAssisted = (report: AssistedReport) => {
      assisted = report;
    };
    const outputs = { onLogits: logits?.listener, onScores: scores?.listener, states, onAssisted };
    const rows = await generateRows(context, { ...options, streamer: watched }, outputs);
    if (rows.some((row) => row.finishReason === "abort")) {
      const sequences = rows.map(({ prompt, newTokens }) => [...prompt.padded, ...newTokens]);
      throw new TsumugiError("aborted", { sequences }, { cause: options.signal?.reason });
    }
    streamer?.end();
    const result: GenerateResult = { sequences: padRows(rows, settings), finishReasons: rows.map((row) => row.finishReason) };
    if (assisted) result.assisted = assisted;
    const width = settings.numBeams > 1 ? (rows.length / settings.numReturnSequences) * settings.numBeams : rows.length;
    if (logits) result.logits = logits.table(width);
    if (scores) result.scores = scores.table(width);
    if (wanted && states) Object.assign(result, statesOf(context.model, wanted, states, rows, width));
    if (settings.numBeams > 1) Object.assign(result, padBeams(rows, settings));
    return result;
  } catch (error) {
    // a loop over a TextIteratorStreamer must not wait for ever, and the next answer must not begin with this one's rest
    if (streamer && "fail" in streamer && typeof streamer.fail === "function") streamer.fail(error);
    else if (begun) streamer?.end();
    throw error;
  }
}

/** Hidden states and attentions as `generate` gives them; `width`: rows of all prompts, beams where there are beams. */
function statesOf(
  model: Model,
  { hidden, attentions }: WantedStates,
  states: StateRecorder,
  rows: readonly GeneratedRow[],
  width: number,
): Partial<GenerateResult> {
  const prompts = [...new Set(rows.map(({ prompt }) => prompt))];
  const all = { prompts, rowsPerPrompt: width / prompts.length };
  const { hiddenSize } = model;
  const decoderStates = hidden && hiddenStatesOf(states, hidden.decoder, all, hiddenSize);
  const decoderAttentions = attentions && attentionsOf(states, attentions.decoder, all);
  if (!model.programs.encode) return { hiddenStates: decoderStates, attentions: decoderAttentions };
  return {
    encoderHiddenStates: hidden && encoderHiddenStatesOf(states, hidden.encoder!, prompts, hiddenSize),
    decoderHiddenStates: decoderStates,
    encoderAttentions: attentions && encoderAttentionsOf(states, attentions.encoder, prompts),
    decoderAttentions,
    crossAttentions: attentions && crossAttentionsOf(states, attentions.cross, all),
  };
}

/** Every field decided for one call. */
export function settingsOf(context: GenerateContext, options: GenerateOptions): GenerationSettings {
  const call = Object.fromEntries(Object.entries(options).filter(([name]) => generationFieldNames.includes(name)));
  return resolveSettings(call, options.generationConfig ?? {}, context.generationConfig);
}

function makePlan(context: GenerateContext, options: GenerateOptions): Plan {
  const { model } = context;
  const start = performance.now();
  const settings = settingsOf(context, options);
  if (options.seed !== undefined && !settings.doSample) warnOnce("`seed` has an effect only with `doSample: true`.");
  checkEncoderDecoder(model, options, settings);
  const readPrompts = model.programs.encode ? readEncoderInputs : readInputs;
  const prompts = readPrompts(options.inputIds, options.attentionMask, { vocabularySize: model.vocabularySize, settings });
  const { negativePromptIds, negativePromptAttentionMask } = options;
  const vocabulary = { vocabularySize: model.vocabularySize, settings };
  const negatives = readNegativePrompts(
    negativePromptIds,
    negativePromptAttentionMask,
    prompts,
    settings.numReturnSequences,
    vocabulary,
  );
  const limit = newTokenLimit(settings, prompts[0]!.padded.length, model);
  const copies = settings.numReturnSequences;
  const rows = prompts.length * copies;
  if (options.streamer && rows > 1) {
    throw new TsumugiError("invalid_option", { option: "streamer", expected: "used with one row", found: `${rows} rows` });
  }
  if (options.streamer && isSearch(settings)) {
    const search = settings.numBeams > 1 ? "`numBeams` above 1" : "`penaltyAlpha`";
    const reason = "rows are known when the search ends; `onToken` gets them then";
    throw new TsumugiError("conflicting_options", { options: `\`streamer\` and ${search}`, reason });
  }
  const deadline = settings.maxTime === null ? undefined : start + 1000 * settings.maxTime;
  const assistance = readAssistance(context, options, settings);
  return { settings, prompts, negatives, limit, copies, rows, deadline, assistance };
}

/** Options that only one of the two kinds of models knows. */
function checkEncoderDecoder({ programs }: Model, options: GenerateOptions, settings: GenerationSettings): void {
  const named = options.decoderStartTokenId ?? options.generationConfig?.decoderStartTokenId;
  if (!programs.encode && named != null) {
    const reason = "it belongs to encoder-decoder models";
    throw new TsumugiError("unsupported_option", { option: "decoderStartTokenId", reason });
  }
  if (programs.encode && isGuided(settings)) {
    const reason = "guidance of encoder-decoder models is not built yet";
    throw new TsumugiError("unsupported_option", { option: "guidanceScale", reason });
  }
}

/** Bytes of tokens, where stop strings or processors read text. */
async function prepareTokenBytes(context: GenerateContext, options: GenerateOptions, settings: GenerationSettings) {
  if (!settings.stopStrings && !readsText(settings, settings.doSample)) return undefined;
  return createTokenBytes(options.tokenizer ?? (await context.loadTokenizer()));
}

/** Waits for earlier calls on the generator, unless the call is aborted before its turn. */
async function lend(context: GenerateContext, { seed, signal }: GenerateOptions): Promise<RandomLease> {
  const lease = context.generator ? context.generator.lease() : leaseRandom(seed);
  if (!signal) return lease;
  let detach = () => {};
  const aborted = new Promise<undefined>((resolve) => {
    const onAbort = () => resolve(undefined);
    signal.addEventListener("abort", onAbort, { once: true });
    detach = () => signal.removeEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
  });
  const winner = await Promise.race([lease, aborted]);
  detach();
  if (winner) return winner;
  lease.then(({ release }) => release(0));
  return { stream: torchStream(0), release: () => {} }; // nothing is drawn: the requests end at once
}

interface Parts {
  tokenBytes: TokenBytes | undefined;
  stream: RandomStream | undefined;
  outputs: StepOutputs;
}

type OnToken = (row: number, token: number, count: number, finishReason: FinishReason | undefined) => void;

async function runRows(
  context: GenerateContext,
  options: GenerateOptions,
  plan: Plan,
  { tokenBytes, stream, outputs }: Parts,
  onToken: OnToken,
): Promise<GeneratedRow[]> {
  const { engine, model, maxSequences } = context;
  const { settings, prompts, negatives, limit, copies, deadline, assistance } = plan;
  if (assistance) outputs.onAssisted?.(assistance.report);
  const eosTokenIds = settings.eosTokenId ?? [];
  const handles: { handle: RequestHandle; firstRow: number }[] = [];
  const encoderRows = prompts.map(({ padded, encoder }) => encoder?.padded ?? padded);
  const request = (prompt: PromptRow, firstRow: number, count: number): Request => {
    const processors = createProcessorChain(settings, settings.doSample, {
      promptTokens: prompt.padded,
      encoderTokens: prompt.encoder?.padded,
      encoderRows,
      maxLength: prompt.padded.length + limit,
      tokenBytes,
      eosTokenIds,
      vocabularySize: model.vocabularySize,
      beams: 1,
    });
    const counts = new Map<number, number>();
    const negative = negatives?.[firstRow];
    const padding = prompt.padded.length - prompt.tokens.length;
    const row = {
      tokens: prompt.tokens,
      padding,
      rotaryLead: rotaryLead(prompts, prompt),
      processors,
      encoderTokens: prompt.encoder?.tokens,
    };
    const longest = Math.max(prompt.tokens.length, negative?.length ?? 0) + limit;
    return {
      sequences: negative ? [row, { tokens: negative }] : [row],
      decoder: new (negative ? GuidedDecoder : RowDecoder)({
        copies: count,
        firstRow,
        prompt: Math.floor(firstRow / copies),
        batchRows: plan.rows,
        vocabularySize: model.vocabularySize,
        stream,
        maxNewTokens: limit,
        eosTokenIds: new Set(eosTokenIds),
        stopStrings: settings.stopStrings && tokenBytes && new StopStrings(settings.stopStrings, tokenBytes, prompt.tokens),
        stoppingCriteria: readStoppingCriteria(options.stoppingCriteria),
        padded: prompt.padded,
        outputs,
      }),
      drafter: assistance?.drafterOf({ prompt, firstRow, batchRows: plan.rows, stream }),
      gangSize: negative ? 2 : count,
      maxLength: Math.min(longest, model.positionsAreBounded ? model.maxPositions + 1 : Infinity),
      deadline,
      signal: options.signal,
      onTokens(events) {
        for (const { sequence, token, finish } of events) {
          if (negative && sequence > 0) continue;
          const made = (counts.get(sequence) ?? 0) + 1;
          counts.set(sequence, made);
          onToken(firstRow + sequence, token, made, finish);
        }
      },
    };
  };
  options.streamer?.put(prompts[0]!.padded);
  try {
    for (const [index, prompt] of prompts.entries()) {
      let count = negatives ? 1 : Math.min(maxSequences, copies);
      for (let from = 0; from < copies; from += count) {
        count = Math.min(count, copies - from);
        const firstRow = index * copies + from;
        let handle: RequestHandle | undefined;
        while (!handle) {
          try {
            handle = engine.submit(request(prompt, firstRow, count));
          } catch (error) {
            // A gang is admitted as a whole: copies that do not fit the cache together run after each other.
            if (count === 1 || !TsumugiError.isInstance(error) || error.code !== "request_too_large") throw error;
            count = Math.ceil(count / 2);
          }
        }
        handle.result.catch(() => {}); // reported below
        handles.push({ handle, firstRow });
      }
    }
    const results = await Promise.all(handles.map(({ handle }) => handle.result));
    const rows: GeneratedRow[] = [];
    results.forEach(({ sequences, timings }, at) => {
      const firstRow = handles[at]!.firstRow;
      const prompt = prompts[Math.floor(firstRow / copies)]!;
      const own = negatives ? sequences.slice(0, 1) : sequences;
      own.forEach(({ tokens, promptLength, finishReason }, copy) => {
        rows[firstRow + copy] = { prompt, newTokens: tokens.slice(promptLength), finishReason, timings };
      });
    });
    // Rows that ended before their prompt had forked.
    for (let row = 0; row < plan.rows; row++) {
      if (rows[row]) continue;
      const first = rows[row - (row % copies)] ?? rows.find(Boolean)!;
      rows[row] = { ...first, prompt: prompts[Math.floor(row / copies)]!, newTokens: [] };
    }
    return rows;
  } catch (error) {
    for (const { handle } of handles) handle.abort();
    await Promise.allSettled(handles.map(({ handle }) => handle.result));
    throw error;
  }
}

function padRows(rows: readonly GeneratedRow[], settings: GenerationSettings): number[][] {
  const longest = Math.max(...rows.map((row) => row.newTokens.length));
  let pad = settings.padTokenId ?? settings.eosTokenId?.[0];
  if (pad === undefined && rows.some((row) => row.newTokens.length < longest)) {
    warnOnce("Neither `padTokenId` nor `eosTokenId` is set: rows that ended early are filled up with 0.");
    pad = 0;
  }
  return rows.map(({ prompt, newTokens }) => [
    ...prompt.padded,
    ...newTokens,
    ...new Array<number>(longest - newTokens.length).fill(pad ?? 0),
  ]);
}
