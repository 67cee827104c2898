import { number } from "../../util/schemas.ts";
import type { Processor } from "../processor.ts";
import { defineProcessor } from "./definition.ts";

declare module "../options.ts" {
  interface SamplingOptions {
    /** Above 1 makes tokens of the prompt and the answer less likely to come again. Default 1. */
    repetitionPenalty?: number | null | undefined;
  }
}

/** Lowers every token seen so far, prompt and pads included: negative scores times the penalty, others divided by it. */
export const repetitionPenalty = defineProcessor({
  name: "repetitionPenalty",
  order: 4,
  sampling: false,
  default: 1,
  description: "Above 1 makes tokens that occurred, in the prompt too, less likely; below 1 more likely (Keskar et al., 2019).",
  flag: { value: "p", help: "greater than 1 repeats less" },
  schema: number("a number above 0", { above: 0 }),
  off: (value) => value === 1,
  create(value, { promptTokens, vocabularySize }) {
    const seen = new Set(promptTokens.filter((token) => token < vocabularySize));
    return penalise(Int32Array.from(seen), seen, value);
  },
});

/** `tokens` may be longer than the set, so that it has room to grow. */
function penalise(tokens: Int32Array, seen: Set<number>, penalty: number): Processor {
  let values = new Float32Array(tokens.length).fill(penalty);
  return {
    steps: () => [{ kind: "edit", how: "lift", tokens: tokens.subarray(0, seen.size), values: values.subarray(0, seen.size) }],
    accept(token) {
      if (seen.has(token)) return;
      if (seen.size === tokens.length) {
        const grown = new Int32Array(2 * tokens.length + 16);
        grown.set(tokens);
        tokens = grown;
        values = new Float32Array(grown.length).fill(penalty);
      }
      tokens[seen.size] = token;
      seen.add(token);
    },
    fork: () => penalise(tokens.slice(), new Set(seen), penalty),
  };
}
