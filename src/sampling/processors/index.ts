import type { ProcessorDefinition } from "./definition.ts";
import { epsilonCutoff } from "./epsilon-cutoff.ts";
import { etaCutoff } from "./eta-cutoff.ts";
import { minLength } from "./min-length.ts";
import { minNewTokens } from "./min-new-tokens.ts";
import { minP } from "./min-p.ts";
import { repetitionPenalty } from "./repetition-penalty.ts";
import { temperature } from "./temperature.ts";
import { topK } from "./top-k.ts";
import { topP } from "./top-p.ts";
import { typicalP } from "./typical-p.ts";

/** Every logits processor, in transformers' order. To add one, add its file and its line. */
export const processorDefinitions: readonly ProcessorDefinition[] = [
  repetitionPenalty,
  minLength,
  minNewTokens,
  temperature,
  topK,
  topP,
  minP,
  typicalP,
  epsilonCutoff,
  etaCutoff,
].sort((a, b) => a.order - b.order);

export type { ProcessorDefinition } from "./definition.ts";
