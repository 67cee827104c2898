import { number } from "../../util/schemas.ts";
import type { Processor } from "../processor.ts";
import type { SamplingStep } from "../step.ts";
import { defineProcessor } from "./definition.ts";

declare module "../options.ts" {
  interface SamplingOptions {
    /** Above 1 makes tokens of the prompt (or the encoder's input) likelier to come again; with copies or beams, as in transformers, only in as many rows as there are prompts. Default 1. */
    encoderRepetitionPenalty?: number | null;
  }
}

/**
 * Tokens of the prompt (of the encoder's input, where there is one) gain: the inverse of a repetition penalty.
 *
 * transformers applies its list of prompts to the first rows of scores as they stand, whichever prompts those belong to: with
 * copies or beams, row i below the number of prompts gets prompt i's tokens, and the others none.
 */
export const encoderRepetitionPenalty = defineProcessor({
  name: "encoderRepetitionPenalty",
  order: 3,
  sampling: false,
  default: 1,
  description:
    "Above 1 makes tokens of the prompt (or the encoder's input) likelier, below 1 less likely. With copies or beams it reaches as many rows of scores as there are prompts, as in transformers.",
  schema: number("a number above 0", { above: 0 }),
  off: (value) => value === 1,
  create(value, { promptTokens, encoderTokens = promptTokens, encoderRows = [encoderTokens], vocabularySize }) {
    // made when a row asks for them: of many prompts, most chains are asked for one
    const made = new Map<number, readonly SamplingStep[]>();
    const stepsOf = (index: number): readonly SamplingStep[] => {
      const row = encoderRows[index];
      if (row === undefined) return [];
      const tokens = Int32Array.from(new Set(row.filter((token) => token < vocabularySize)));
      return [{ kind: "edit", how: "lift", tokens, values: new Float32Array(tokens.length).fill(1 / value) }];
    };
    const processor: Processor = {
      steps({ row, scoreRow = row }) {
        const steps = made.get(scoreRow) ?? stepsOf(scoreRow);
        made.set(scoreRow, steps);
        return steps;
      },
      accept() {},
      fork: () => processor,
    };
    return processor;
  },
});
