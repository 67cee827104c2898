import type { RequestEvent, RequestResult } from "../engine/request.ts";
import { aloneInBatch } from "./batch-place.ts";
import type { GenerationSettings } from "./generation-settings.ts";
import { GuidedDecoder, isGuided } from "./guided-decoder.ts";
import { mostTokens } from "./lengths.ts";
import { promptSequence } from "./prompt-sequence.ts";
import type { DecodedRow, RequestOptions, RowRequest } from "./request-options.ts";
import type { RequestPrompt } from "./request-prompt.ts";
import { RowDecoder } from "./row-decoder.ts";
import { stopStringsOf } from "./stop-strings.ts";

/** The request of greedy decoding and sampling: copies of one prompt, or one row with its negative prompt. */
export function rowRequest(settings: GenerationSettings, prompt: RequestPrompt, options: RequestOptions): RowRequest {
  const { model, maxNewTokens, copies = settings.numReturnSequences, place = aloneInBatch(copies), onToken } = options;
  const { tokens, padded = tokens } = prompt;
  const negative = isGuided(settings) ? (prompt.negative ?? padded.slice(-1)) : undefined;
  const sequence = promptSequence(settings, prompt, options);
  const decoder = new (negative ? GuidedDecoder : RowDecoder)({
    copies,
    firstRow: place.firstRow,
    prompt: place.prompt,
    batchRows: place.rows,
    vocabularySize: model.vocabularySize,
    stream: options.stream,
    maxNewTokens,
    eosTokenIds: new Set(settings.eosTokenId),
    stopStrings: stopStringsOf(settings, options.tokenBytes, tokens),
    stoppingCriteria: options.stoppingCriteria,
    padded,
    outputs: options.outputs,
  });
  const longest = Math.max(tokens.length, negative?.length ?? 0) + maxNewTokens;
  return {
    sequences: negative ? [sequence, { tokens: negative }] : [sequence],
    decoder,
    drafter: options.assistance?.drafterOf({ prompt, firstRow: place.firstRow, batchRows: place.rows, stream: options.stream }),
    gangSize: negative ? 2 : copies,
    maxLength: Math.min(longest, mostTokens(model)),
    deadline: options.deadline,
    signal: options.signal,
    priority: options.priority,
    onTokens(events: readonly RequestEvent[]) {
      for (const { sequence: index, token, finish } of events) {
        if (!negative || index === 0) onToken?.(place.firstRow + index, token, finish);
      }
    },
    steps: () => decoder.steps,
    rows: (result) => rowsOf(result, negative ? 1 : copies),
  };
}

/** As many rows as were wanted: those that ended before the prompt had forked have no tokens. */
function rowsOf({ sequences }: RequestResult, count: number): DecodedRow[] {
  return Array.from({ length: count }, (_, copy) => {
    const own = sequences[copy];
    if (!own) return { newTokens: [], finishReason: sequences[0]!.finishReason };
    return { newTokens: own.tokens.slice(own.promptLength), finishReason: own.finishReason };
  });
}
