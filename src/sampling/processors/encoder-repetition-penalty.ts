import { finite } from "../validate.ts";
import { constant, type ProcessorDefinition } from "./definition.ts";

/** Tokens of the prompt (of the encoder's input, where there is one) gain: the inverse of a repetition penalty. */
export const encoderRepetitionPenalty: ProcessorDefinition = {
  name: "encoderRepetitionPenalty",
  order: 3,
  sampling: false,
  default: 1,
  description: "Above 1 makes tokens of the prompt (or the encoder's input) likelier, below 1 less likely.",
  parse: finite("a number above 0", (value) => value > 0),
  off: (value) => value === 1,
  create(value, { promptTokens, encoderTokens = promptTokens, vocabularySize }) {
    const tokens = Int32Array.from(new Set(encoderTokens.filter((token) => token < vocabularySize)));
    return constant({ kind: "edit", how: "lift", tokens, values: new Float32Array(tokens.length).fill(1 / value) });
  },
};
