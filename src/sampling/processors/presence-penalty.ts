import { finite } from "../validate.ts";
import type { ProcessorDefinition } from "./definition.ts";
import { byOccurrence } from "./occurrence.ts";

/** score − penalty for tokens that came in the answer, once or often: as OpenAI's `presence_penalty`. */
export const presencePenalty: ProcessorDefinition = {
  name: "presencePenalty",
  order: 4.2,
  sampling: false,
  default: 0,
  description: "Above 0, tokens that came in the answer lose this much, once; below 0 they gain.",
  parse: finite("a number", () => true),
  off: (value) => value === 0,
  create: (value) => byOccurrence(() => -value),
};
