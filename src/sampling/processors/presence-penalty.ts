import { number } from "../../util/schemas.ts";
import { defineProcessor } from "./definition.ts";
import { byOccurrence } from "./occurrence.ts";

declare module "../options.ts" {
  interface SamplingOptions {
    /** Tokens that came in the answer lose this much, as with OpenAI's `presence_penalty`. Default 0. */
    presencePenalty?: number | null | undefined;
  }
}

/** Lowers tokens that came in the answer, once or often, by the penalty (OpenAI's `presence_penalty`). */
export const presencePenalty = defineProcessor({
  name: "presencePenalty",
  order: 4.2,
  sampling: false,
  default: 0,
  description: "Above 0, tokens that came in the answer lose this much, once; below 0 they gain. As OpenAI's.",
  flag: { value: "p", help: "above 0, tokens that came in the answer lose this much, once" },
  schema: number("a number"),
  off: (value) => value === 0,
  create: (value) => byOccurrence(() => -value),
});
