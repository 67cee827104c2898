import { finite } from "../validate.ts";
import type { ProcessorDefinition } from "./definition.ts";
import { byOccurrence } from "./occurrence.ts";

/** score − count · penalty, where count is how often the token came in the answer: as OpenAI's `frequency_penalty`. */
export const frequencyPenalty: ProcessorDefinition = {
  name: "frequencyPenalty",
  order: 4.1,
  sampling: false,
  default: 0,
  description: "Above 0, tokens lose this much for every time they came in the answer; below 0 they gain.",
  parse: finite("a number", () => true),
  off: (value) => value === 0,
  create: (value) => byOccurrence((count) => -count * value),
};
