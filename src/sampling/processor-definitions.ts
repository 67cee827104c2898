import type { OptionValue } from "../util/option-definition.ts";
import type { ProcessorDefinition } from "./processors/definition.ts";
import * as definitions from "./processors/index.ts";

/** Every logits processor, in transformers' order. */
export const processorDefinitions: readonly ProcessorDefinition<string, unknown>[] = Object.values(
  definitions as Record<string, ProcessorDefinition<string, unknown>>,
).sort((a, b) => a.order - b.order);

type Definitions = typeof definitions;

/** Decided values of the processors' options; null is off. */
export type SamplingValues = { [Name in keyof Definitions]: OptionValue<Definitions[Name]> };
