import type { SequenceInput } from "../engine/request.ts";
import { createProcessorChain } from "../sampling/index.ts";
import type { GenerationSettings } from "./generation-settings.ts";
import type { RequestOptions } from "./request-options.ts";
import type { RequestPrompt } from "./request-prompt.ts";

/** The sequence that a prompt starts, with the processors that the settings turn on. */
export function promptSequence(
  settings: GenerationSettings,
  prompt: RequestPrompt,
  { model, maxNewTokens, place, tokenBytes }: RequestOptions,
): SequenceInput {
  const { tokens, padded = tokens, encoder } = prompt;
  const encoderTokens = encoder && (encoder.padded ?? encoder.tokens);
  const processors = createProcessorChain(settings, settings.doSample, {
    promptTokens: padded,
    encoderTokens,
    encoderRows: place?.encoderRows ?? [encoderTokens ?? padded],
    maxLength: padded.length + maxNewTokens,
    tokenBytes,
    eosTokenIds: settings.eosTokenId ?? [],
    vocabularySize: model.vocabularySize,
    beams: settings.numBeams,
  });
  return {
    tokens,
    padding: padded.length - tokens.length,
    rotaryLead: place?.rotaryLead ?? 0,
    processors,
    encoderTokens: encoder?.tokens,
  };
}
