import { wholeNumbers } from "../validate.ts";
import { ban, constant, type ProcessorDefinition } from "./definition.ts";

/** Tokens that never come. */
export const suppressTokens: ProcessorDefinition<number[]> = {
  name: "suppressTokens",
  order: 15,
  sampling: false,
  default: null,
  description: "Tokens that are never generated.",
  parse: wholeNumbers,
  off: (value) => value.length === 0,
  create: (value, { vocabularySize }) => constant(ban(value.filter((token) => token >= 0 && token < vocabularySize))),
};
