import { wholeNumbers } from "../validate.ts";
import { atLength, ban, type ProcessorDefinition } from "./definition.ts";

/** Tokens that do not come first; behind a forced first token, not second. */
export const beginSuppressTokens: ProcessorDefinition<number[]> = {
  name: "beginSuppressTokens",
  order: 16,
  sampling: false,
  default: null,
  description: "Tokens that are not generated first.",
  parse: wholeNumbers,
  off: (value) => value.length === 0,
  create(value, { promptTokens, vocabularySize, forcedBos }) {
    const begin = promptTokens.length + (promptTokens.length <= 1 && forcedBos ? 1 : 0);
    const banned = [ban(value.filter((token) => token >= 0 && token < vocabularySize))];
    return atLength(promptTokens.length, (length) => (length === begin ? banned : []));
  },
};
