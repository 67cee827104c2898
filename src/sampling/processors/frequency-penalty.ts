import { number } from "../../util/schemas.ts";
import { defineProcessor } from "./definition.ts";
import { byOccurrence } from "./occurrence.ts";

declare module "../options.ts" {
  interface SamplingOptions {
    /** Tokens lose this much for every time they came in the answer, as with OpenAI's `frequency_penalty`. Default 0. */
    frequencyPenalty?: number | null | undefined;
  }
}

/** Lowers a score by count · penalty, where count is how often the token came in the answer (OpenAI's `frequency_penalty`). */
export const frequencyPenalty = defineProcessor({
  name: "frequencyPenalty",
  order: 4.1,
  sampling: false,
  default: 0,
  description: "Above 0, tokens lose this much for every time they came in the answer; below 0 they gain. As OpenAI's.",
  flag: { value: "p", help: "above 0, tokens lose this much for every time they came in the answer" },
  schema: number("a number"),
  off: (value) => value === 0,
  create: (value) => byOccurrence((count) => -count * value),
});
