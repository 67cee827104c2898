import type { Decoder, FinishReason, RequestResult } from "../../engine/request.ts";
import { aloneInBatch } from "../batch-place.ts";
import type { GenerationSettings } from "../generation-settings.ts";
import { mostTokens } from "../lengths.ts";
import { promptSequence } from "../prompt-sequence.ts";
import type { DecodedRow, RequestOptions, RowRequest } from "../request-options.ts";
import type { RequestPrompt } from "../request-prompt.ts";
import { stopStringsOf } from "../stop-strings.ts";
import { BeamDecoder } from "./beam-decoder.ts";
import { isContrastive } from "./check-beams.ts";
import { searchWidth } from "./check-search.ts";
import { ConstrainedBeamDecoder } from "./constrained-beam-decoder.ts";
import { ContrastiveDecoder } from "./contrastive-decoder.ts";
import { GroupBeamDecoder } from "./group-beam-decoder.ts";
import type { BeamRow } from "./hypothesis.ts";

/** A decoder that keeps its rows itself. */
interface SearchDecoder extends Decoder {
  readonly steps: number;
  rows(count: number, otherwise?: FinishReason): BeamRow[];
}

/** The request of a search over beams, or over the candidates of contrastive search. */
export function searchRequest(settings: GenerationSettings, prompt: RequestPrompt, options: RequestOptions): RowRequest {
  const { model, maxNewTokens, place } = options;
  const decoder = searchDecoder(settings, prompt, options);
  return {
    sequences: [promptSequence(settings, prompt, options)],
    decoder,
    gangSize: searchWidth(settings),
    // the last token of a row is not computed, but by contrastive search
    maxLength: Math.min(prompt.tokens.length + maxNewTokens + 1, mostTokens(model)),
    forgetDropped: true,
    deadline: options.deadline,
    signal: options.signal,
    priority: options.priority,
    steps: () => decoder.steps,
    rows: (result) => rowsOf(decoder, result, settings, place?.prompt ?? 0),
  };
}

function rowsOf(
  decoder: SearchDecoder,
  { sequences }: RequestResult,
  { numReturnSequences, numBeams }: GenerationSettings,
  prompt: number,
): DecodedRow[] {
  // The decoder drops all in the end, unless time was up or the caller aborted.
  const reason: FinishReason = sequences.find(({ dropped }) => !dropped)?.finishReason ?? "length";
  const rows = decoder.rows(numReturnSequences, reason);
  return Array.from({ length: numReturnSequences }, (_, place) => {
    const { tokens, beams, score, finishReason } = rows[place] ?? { tokens: [], beams: [], score: 0, finishReason: reason };
    return {
      newTokens: tokens,
      finishReason: reason === "abort" ? reason : finishReason,
      score,
      beamIndices: beams.map((beam) => prompt * numBeams + beam),
    };
  });
}

function searchDecoder(settings: GenerationSettings, prompt: RequestPrompt, options: RequestOptions): SearchDecoder {
  const { model, maxNewTokens, stream, tokenBytes, stoppingCriteria, outputs, place = aloneInBatch(1) } = options;
  const { tokens, padded = tokens } = prompt;
  const { numBeams: beams, numBeamGroups: groups, lengthPenalty, earlyStopping, padTokenId } = settings;
  const eosTokenIds = settings.eosTokenId ?? [];
  const { vocabularySize } = model;
  const common = { prompt: place.prompt, vocabularySize, padded, outputs };
  // The last token goes through the model in contrastive search alone.
  const room = mostTokens(model) - tokens.length;
  if (isContrastive(settings)) {
    return new ContrastiveDecoder({
      ...common,
      candidates: searchWidth(settings),
      penaltyAlpha: settings.penaltyAlpha,
      limit: Math.min(maxNewTokens, room - 1),
      eosTokenIds: new Set(eosTokenIds),
      stopStrings: stopStringsOf(settings, tokenBytes, tokens),
      stoppingCriteria,
    });
  }
  const search = { ...common, beams, lengthPenalty, earlyStopping, maxNewTokens, limit: Math.min(maxNewTokens, room) };
  const { forceWordsIds: constraints, numReturnSequences: returned, diversityPenalty } = settings;
  if (constraints) return new ConstrainedBeamDecoder({ ...search, eosTokenIds, padTokenId, constraints, returned });
  if (groups > 1) return new GroupBeamDecoder({ ...search, eosTokenIds, padTokenId, groups, diversityPenalty });
  return new BeamDecoder({
    ...search,
    prompts: place.prompts,
    stream,
    eosTokenIds,
    stopStrings: stopStringsOf(settings, tokenBytes, tokens),
    stoppingCriteria,
  });
}
