import { number, texts, whole } from "../../util/schemas.ts";
import { defineField } from "../define-field.ts";

declare module "../options.ts" {
  interface GenerationFields {
    /** Prompt and new tokens together. Default: 20 new tokens, with a warning. `maxNewTokens` wins over it. */
    maxLength?: number | null | undefined;
    /** New tokens. */
    maxNewTokens?: number | null | undefined;
    /** Seconds from the call; checked after each step. */
    maxTime?: number | null | undefined;
    /** Ends a row when one of these texts ends in its newest token. It stays in the output. */
    stopStrings?: string | readonly string[] | null | undefined;
  }
}

const family = "Length and end";

export const maxLength = defineField({
  name: "maxLength",
  family,
  schema: whole(1),
  idle: ({ maxNewTokens }) => maxNewTokens !== null,
  default: null,
  description: "Prompt and new tokens together; default: 20 new tokens, with a warning. `maxNewTokens` wins over it.",
});

export const maxNewTokens = defineField({
  name: "maxNewTokens",
  family,
  schema: whole(1),
  default: null,
  description: "New tokens.",
  flag: { value: "n", help: "stop after this many new tokens" },
});

export const maxTime = defineField({
  name: "maxTime",
  family,
  schema: number("a number of seconds above 0", { above: 0 }),
  default: null,
  description: "Seconds from the call; checked after each step.",
  flag: { value: "seconds", help: "stop after this time" },
});

export const stopStrings = defineField({
  name: "stopStrings",
  family,
  schema: texts,
  default: null,
  description: "Ends a row when one of these texts ends in its newest token; it stays in the output.",
  flag: { value: "text", name: "stop", help: "stop after this text (repeat the option for several)" },
});
