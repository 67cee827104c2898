import { whole } from "../../util/schemas.ts";
import { ban, defineProcessor, overHistory } from "./definition.ts";
import { continuations } from "./no-repeat-ngram-size.ts";

declare module "../options.ts" {
  interface SamplingOptions {
    /** Lets no sequence of this many tokens of the prompt (or the encoder's input) come in the answer. Default 0: off. */
    encoderNoRepeatNgramSize?: number | null | undefined;
  }
}

/** Lets no n-gram of the prompt (of the encoder's input, where there is one) come in the answer. */
export const encoderNoRepeatNgramSize = defineProcessor({
  name: "encoderNoRepeatNgramSize",
  order: 6,
  sampling: false,
  default: 0,
  description: "No sequence of this many tokens of the prompt (or the encoder's input) comes in the answer.",
  schema: whole(0),
  offInFiles: (value) => typeof value === "number" && value < 0,
  off: (value) => value === 0,
  create: (value, { promptTokens, encoderTokens = promptTokens, vocabularySize }) =>
    overHistory(promptTokens, (history) => {
      const banned = continuations(encoderTokens, history, value, vocabularySize);
      return banned.size > 0 ? [ban(banned)] : [];
    }),
});
