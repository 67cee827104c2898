import { fieldDefinitions } from "../decoding/generation-fields.ts";
import { processorDefinitions } from "../sampling/index.ts";
import type { OptionDefinition } from "../util/option-definition.ts";
import * as callOptions from "./call-options/index.ts";
import type { CallOptionDefinition } from "./define-call-option.ts";

/** Options of a call of `generate` that are no settings of a model. */
export const callOptionDefinitions: readonly CallOptionDefinition[] = Object.values(
  callOptions as Record<string, CallOptionDefinition>,
);

/** Everything that a call of `generate` takes: options of the call, fields of GenerationConfig, logits processors. */
export const optionDefinitions: readonly OptionDefinition[] = [
  ...callOptionDefinitions,
  ...fieldDefinitions,
  ...processorDefinitions,
];
