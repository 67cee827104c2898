import { boolean } from "../validate.ts";
import { constant, type ProcessorDefinition } from "./definition.ts";

/** Scores become log probabilities behind everything else. */
export const renormalizeLogits: ProcessorDefinition<boolean> = {
  name: "renormalizeLogits",
  order: 27,
  sampling: false,
  default: false,
  description: "Makes the processed scores log probabilities.",
  parse: boolean,
  off: (value) => !value,
  create: () => constant({ kind: "normalise" }),
};
