import { number } from "../../util/schemas.ts";
import type { Processor } from "../processor.ts";
import type { SamplingStep } from "../step.ts";
import { defineProcessor } from "./definition.ts";

declare module "../options.ts" {
  interface SamplingOptions {
    /**
     * Above 1 makes tokens of the prompt (or the encoder's input) likelier to come again. With copies or beams it reaches only
     * as many rows as there are prompts, as in transformers. Default 1.
     */
    encoderRepetitionPenalty?: number | null | undefined;
  }
}

/**
 * Raises tokens of the prompt (of the encoder's input, where there is one). It is the inverse of a repetition penalty.
 *
 * transformers applies its list of prompts to the first rows of scores, whichever prompts those belong to. With copies or
 * beams, row i gets prompt i's tokens while i is below the number of prompts, and the other rows get none.
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
    // they are made when a row asks for them, because most chains of a call with many prompts are asked for one
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
