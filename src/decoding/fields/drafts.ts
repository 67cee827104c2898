import { choice, number, whole } from "../../util/schemas.ts";
import { defineField } from "../define-field.ts";

declare module "../options.ts" {
  interface GenerationFields {
    /**
     * Prompt lookup: drafts of so many tokens, of what followed where the row's last tokens stood in it before. The answer stays
     * the same and comes sooner where it repeats its prompt. Default: none.
     */
    promptLookupNumTokens?: number | null | undefined;
    /** The most of the row's last tokens that prompt lookup looks for. Default 2. */
    maxMatchingNgramSize?: number | null | undefined;
    /** Tokens of a draft of `assistantModel`, at most. Default: the assistant's own setting, else 20. */
    numAssistantTokens?: number | null | undefined;
    /**
     * "constant"; "heuristic": 2 more after a draft that was right, 1 less after one that was not, remembered in the
     * assistant's `generationConfig`; "heuristic_transient": the same, forgotten with the row. Default: the assistant's own
     * setting, else "constant".
     */
    numAssistantTokensSchedule?: "constant" | "heuristic" | "heuristic_transient" | null | undefined;
    /** A draft of `assistantModel` ends behind a token less likely than this. Default: the assistant's own setting, else 0.4; 0: off. */
    assistantConfidenceThreshold?: number | null | undefined;
  }
}

const family = "Assisted generation";

/** A model's files say this of the model as an assistant of another, which reads them itself. */
const ofAssistant = (): boolean => true;

export const promptLookupNumTokens = defineField({
  name: "promptLookupNumTokens",
  family,
  schema: whole(1),
  default: null,
  description: "Prompt lookup: drafts of so many tokens, of what followed where the row's last tokens stood in it before.",
});

export const maxMatchingNgramSize = defineField({
  name: "maxMatchingNgramSize",
  family,
  schema: whole(1),
  idle: ({ promptLookupNumTokens }) => promptLookupNumTokens === null,
  default: 2,
  required: true,
  description: "The most of the row's last tokens that prompt lookup looks for.",
});

export const numAssistantTokens = defineField({
  name: "numAssistantTokens",
  family,
  schema: whole(1),
  idle: ofAssistant,
  default: 20,
  description: "Tokens of a draft of `assistantModel`, at most. Default: the assistant's own setting, else 20.",
});

export const numAssistantTokensSchedule = defineField({
  name: "numAssistantTokensSchedule",
  family,
  schema: choice(["constant", "heuristic", "heuristic_transient"]),
  idle: ofAssistant,
  default: "constant",
  description:
    '"constant"; "heuristic": 2 more after a draft that was right, 1 less after one that was not; "heuristic_transient": the same, forgotten with the row.',
});

export const assistantConfidenceThreshold = defineField({
  name: "assistantConfidenceThreshold",
  family,
  schema: number("a number from 0 to 1", { minimum: 0, maximum: 1 }),
  idle: ofAssistant,
  default: 0.4,
  description:
    "A draft of `assistantModel` ends behind a token less likely than this; 0: never. Default: the assistant's own setting, else 0.4.",
});
