import { BeamDecoder } from "../decoding/beams/beam-decoder.ts";
import { isContrastive } from "../decoding/beams/check-beams.ts";
import { ConstrainedBeamDecoder } from "../decoding/beams/constrained-beam-decoder.ts";
import { ContrastiveDecoder } from "../decoding/beams/contrastive-decoder.ts";
import { GroupBeamDecoder } from "../decoding/beams/group-beam-decoder.ts";
import type { BeamRow } from "../decoding/beams/hypothesis.ts";
import type { GenerationSettings } from "../decoding/generation-settings.ts";
import type { StepOutputs } from "../decoding/step-outputs.ts";
import { StopStrings } from "../decoding/stop-strings.ts";
import { readStoppingCriteria } from "../decoding/stopping-criteria.ts";
import type { TokenBytes } from "../decoding/token-bytes.ts";
import type { Decoder, FinishReason, Request, RequestHandle } from "../engine/request.ts";
import { TsumugiError } from "../errors.ts";
import { createProcessorChain, type RandomStream } from "../sampling/index.ts";
import type { GenerateContext } from "./generate-context.ts";
import type { GenerateOptions } from "./generate-options.ts";
import type { GeneratedRow } from "./generated-row.ts";
import { type PromptRow, rotaryLead } from "./inputs.ts";

/** What a search over beams works with. */
export interface BeamPlan {
  settings: GenerationSettings;
  prompts: readonly PromptRow[];
  /** New tokens of each row. */
  limit: number;
  deadline: number | undefined;
  /** Beam sampling draws from it. */
  stream: RandomStream | undefined;
  outputs: StepOutputs;
  /** Bytes of tokens, for stop strings and processors that read text. */
  tokenBytes: TokenBytes | undefined;
}

/** A decoder that ends with rows of its own. */
interface BeamSearcher extends Decoder {
  readonly steps: number;
  rows(count: number, otherwise?: FinishReason): BeamRow[];
}

/** Beam search or beam sampling of every prompt. `onEnd` hears how many steps the longest of them took. */
export async function runBeams(
  context: GenerateContext,
  options: GenerateOptions,
  plan: BeamPlan,
  onEnd: (steps: number) => void,
): Promise<GeneratedRow[]> {
  const { engine } = context;
  checkPlan(context, options, plan);
  const decoders = plan.prompts.map((_, index) => decoderOf(context, options, plan, index));
  const handles: RequestHandle[] = [];
  try {
    for (const [index, decoder] of decoders.entries()) {
      const handle = engine.submit(requestOf(context, options, plan, index, decoder));
      handle.result.catch(() => {}); // reported below
      handles.push(handle);
    }
    const results = await Promise.all(handles.map(({ result }) => result));
    const count = plan.settings.numReturnSequences;
    const rows = results.flatMap(({ sequences, timings }, index): GeneratedRow[] => {
      // Dropped by the decoder in the end, unless time was up or the caller aborted.
      const reason: FinishReason = sequences.find(({ dropped }) => !dropped)?.finishReason ?? "length";
      const prompt = plan.prompts[index]!;
      const first = index * plan.settings.numBeams;
      return decoders[index]!.rows(count, reason).map(({ tokens, beams, score, finishReason }) => ({
        prompt,
        newTokens: tokens,
        finishReason: reason === "abort" ? reason : finishReason,
        timings,
        score,
        beamIndices: beams.map((beam) => first + beam),
      }));
    });
    rows.forEach(({ newTokens, finishReason }, row) => {
      newTokens.forEach((token, place) => {
        options.onToken?.({ row, token, finishReason: place === newTokens.length - 1 ? finishReason : undefined });
      });
    });
    return rows;
  } catch (error) {
    for (const handle of handles) handle.abort();
    await Promise.allSettled(handles.map(({ result }) => result));
    throw error;
  } finally {
    onEnd(Math.max(...decoders.map(({ steps }) => steps)));
  }
}

/** What only the model, or the call, can say about the options of a search. */
function checkPlan(context: GenerateContext, { stoppingCriteria }: GenerateOptions, { settings }: BeamPlan): void {
  const { model, maxSequences: limit } = context;
  const { forceWordsIds, numBeamGroups } = settings;
  const given = gangSize(settings);
  if (given > limit) {
    const hint = `Load the model with \`maxBatchSize: ${given}\` or more.`;
    const what = isContrastive(settings) ? "candidates (`topK`) at once" : "beams at once";
    throw new TsumugiError("request_too_large", { given, what, limit, hint });
  }
  const bad = forceWordsIds?.flat(2).find((token) => token >= model.vocabularySize);
  if (bad !== undefined) {
    const expected = `made of token ids from 0 to ${model.vocabularySize - 1}`;
    throw new TsumugiError("invalid_option", { option: "forceWordsIds", expected, given: bad });
  }
  if (readStoppingCriteria(stoppingCriteria) && (forceWordsIds || numBeamGroups > 1)) {
    const options = `\`stoppingCriteria\` and ${forceWordsIds ? "`forceWordsIds`" : "`numBeamGroups`"}`;
    throw new TsumugiError("conflicting_options", { options, reason: "these searches end their rows with end tokens only" });
  }
}

/** Sequences that a search has at once. */
function gangSize(settings: GenerationSettings): number {
  return isContrastive(settings) ? (settings.topK as number) : settings.numBeams;
}

function decoderOf({ model }: GenerateContext, options: GenerateOptions, plan: BeamPlan, prompt: number): BeamSearcher {
  const { settings, prompts, limit, stream, tokenBytes, outputs } = plan;
  const { tokens, padded } = prompts[prompt]!;
  const { stopStrings } = settings;
  const eosTokenIds = settings.eosTokenId ?? [];
  const common = {
    beams: settings.numBeams,
    lengthPenalty: settings.lengthPenalty,
    earlyStopping: settings.earlyStopping,
    maxNewTokens: limit,
    limit: model.positionsAreBounded ? Math.min(limit, model.maxPositions + 1 - tokens.length) : limit,
    prompt,
    vocabularySize: model.vocabularySize,
    padded,
    outputs,
  };
  const scored = { ...common, eosTokenIds, padTokenId: settings.padTokenId };
  const stops = {
    stopStrings: stopStrings && tokenBytes && new StopStrings(stopStrings, tokenBytes, tokens),
    stoppingCriteria: readStoppingCriteria(options.stoppingCriteria),
  };
  if (isContrastive(settings)) {
    const candidates = gangSize(settings);
    // the last token, too, goes through the model
    const room = model.positionsAreBounded ? model.maxPositions - tokens.length : limit;
    const { penaltyAlpha } = settings;
    const ends = new Set(eosTokenIds);
    return new ContrastiveDecoder({
      ...common,
      ...stops,
      candidates,
      penaltyAlpha,
      limit: Math.min(limit, room),
      eosTokenIds: ends,
    });
  }
  const { numBeamGroups: groups, diversityPenalty, forceWordsIds: constraints, numReturnSequences: returned } = settings;
  if (constraints) return new ConstrainedBeamDecoder({ ...scored, constraints, returned });
  if (groups > 1) return new GroupBeamDecoder({ ...scored, groups, diversityPenalty });
  return new BeamDecoder({
    ...common,
    prompts: prompts.length,
    stream,
    eosTokenIds,
    ...stops,
  });
}

function requestOf(
  { model }: GenerateContext,
  options: GenerateOptions,
  { settings, prompts, limit, deadline, tokenBytes }: BeamPlan,
  index: number,
  decoder: BeamSearcher,
): Request {
  const prompt = prompts[index]!;
  const { tokens, padded, encoder } = prompt;
  const processors = createProcessorChain(settings, settings.doSample, {
    promptTokens: padded,
    encoderTokens: encoder?.padded,
    encoderRows: prompts.map((each) => each.encoder?.padded ?? each.padded),
    maxLength: padded.length + limit,
    eosTokenIds: settings.eosTokenId ?? [],
    vocabularySize: model.vocabularySize,
    beams: settings.numBeams,
    tokenBytes,
  });
  return {
    sequences: [
      {
        tokens,
        padding: padded.length - tokens.length,
        rotaryLead: rotaryLead(prompts, prompt),
        processors,
        encoderTokens: encoder?.tokens,
      },
    ],
    decoder,
    gangSize: gangSize(settings),
    // the last token of a row is not computed, but by contrastive search
    maxLength: Math.min(tokens.length + limit + 1, model.positionsAreBounded ? model.maxPositions + 1 : Infinity),
    forgetDropped: true,
    deadline,
    signal: options.signal,
  };
}

/**
 * The outputs of a search over beams: rows filled up to the longest as transformers fills them, with `padTokenId` (0 counts
 * as unset, but not to the older searches), else the first end token, −1 without end tokens.
 */
export function padBeams(rows: readonly GeneratedRow[], settings: GenerationSettings) {
  const { padTokenId, eosTokenId } = settings;
  const longest = Math.max(...rows.map(({ newTokens }) => newTokens.length));
  const isOld = settings.numBeamGroups > 1 || settings.forceWordsIds !== null;
  const fill = eosTokenId ? ((isOld ? padTokenId : padTokenId || null) ?? eosTokenId[0]!) : -1;
  const upTo = (list: readonly number[], value: number) => [...list, ...new Array<number>(longest - list.length).fill(value)];
  return {
    sequences: rows.map(({ prompt, newTokens }) => [...prompt.padded, ...upTo(newTokens, fill)]),
    sequencesScores: rows.map(({ score = 0 }) => score),
    beamIndices: rows.map(({ beamIndices = [] }) => upTo(beamIndices, -1)),
  };
}
