import { whole } from "../validate.ts";
import { ban, overHistory, type ProcessorDefinition } from "./definition.ts";
import { continuations } from "./no-repeat-ngram-size.ts";

/** No n-gram of the prompt (of the encoder's input, where there is one) comes in the answer. */
export const encoderNoRepeatNgramSize: ProcessorDefinition = {
  name: "encoderNoRepeatNgramSize",
  order: 6,
  sampling: false,
  default: 0,
  description: "No sequence of this many tokens of the prompt (or the encoder's input) comes in the answer.",
  parse: whole(0),
  off: (value) => value === 0,
  create: (value, { promptTokens, encoderTokens = promptTokens, vocabularySize }) =>
    overHistory(promptTokens, (history) => {
      const banned = continuations(encoderTokens, history, value, vocabularySize);
      return banned.size > 0 ? [ban(banned)] : [];
    }),
};
