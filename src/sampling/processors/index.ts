import { badWordsIds } from "./bad-words-ids.ts";
import { beginSuppressTokens } from "./begin-suppress-tokens.ts";
import type { ProcessorDefinition } from "./definition.ts";
import { dry } from "./dry.ts";
import { encoderNoRepeatNgramSize } from "./encoder-no-repeat-ngram-size.ts";
import { encoderRepetitionPenalty } from "./encoder-repetition-penalty.ts";
import { epsilonCutoff } from "./epsilon-cutoff.ts";
import { etaCutoff } from "./eta-cutoff.ts";
import { exponentialDecayLengthPenalty } from "./exponential-decay-length-penalty.ts";
import { forcedBosTokenId } from "./forced-bos-token-id.ts";
import { forcedEosTokenId } from "./forced-eos-token-id.ts";
import { frequencyPenalty } from "./frequency-penalty.ts";
import { guidanceScale } from "./guidance-scale.ts";
import { logitBias } from "./logit-bias.ts";
import { logitsProcessor } from "./logits-processor.ts";
import { minLength } from "./min-length.ts";
import { minNewTokens } from "./min-new-tokens.ts";
import { minP } from "./min-p.ts";
import { mirostat } from "./mirostat.ts";
import { noRepeatNgramSize } from "./no-repeat-ngram-size.ts";
import { prefixAllowedTokensFn } from "./prefix-allowed-tokens-fn.ts";
import { presencePenalty } from "./presence-penalty.ts";
import { removeInvalidValues } from "./remove-invalid-values.ts";
import { renormalizeLogits } from "./renormalize-logits.ts";
import { repetitionPenalty } from "./repetition-penalty.ts";
import { sequenceBias } from "./sequence-bias.ts";
import { suppressTokens } from "./suppress-tokens.ts";
import { temperature } from "./temperature.ts";
import { topH } from "./top-h.ts";
import { topK } from "./top-k.ts";
import { topNSigma } from "./top-n-sigma.ts";
import { topP } from "./top-p.ts";
import { typicalP } from "./typical-p.ts";
import { watermarkingConfig } from "./watermarking-config.ts";
import { xtc } from "./xtc.ts";

const definitions: readonly ProcessorDefinition<unknown>[] = [
  guidanceScale,
  logitBias,
  sequenceBias,
  encoderRepetitionPenalty,
  repetitionPenalty,
  frequencyPenalty,
  presencePenalty,
  dry,
  noRepeatNgramSize,
  encoderNoRepeatNgramSize,
  badWordsIds,
  minLength,
  minNewTokens,
  prefixAllowedTokensFn,
  forcedBosTokenId,
  forcedEosTokenId,
  removeInvalidValues,
  exponentialDecayLengthPenalty,
  suppressTokens,
  beginSuppressTokens,
  logitsProcessor,
  temperature,
  topNSigma,
  topH,
  topK,
  topP,
  minP,
  typicalP,
  epsilonCutoff,
  etaCutoff,
  xtc,
  mirostat,
  watermarkingConfig,
  renormalizeLogits,
];

/** Every logits processor, in transformers' order. To add one, add its file and its line. */
export const processorDefinitions = [...definitions].sort((a, b) => a.order - b.order);

export type { ProcessorDefinition } from "./definition.ts";
