import { wholeNumbers } from "../../util/schemas.ts";
import { ban, constant, defineProcessor } from "./definition.ts";

declare module "../options.ts" {
  interface SamplingOptions {
    /** Tokens that are never generated. */
    suppressTokens?: readonly number[] | null | undefined;
  }
}

/** Bans tokens at every step. */
export const suppressTokens = defineProcessor({
  name: "suppressTokens",
  order: 15,
  sampling: false,
  default: null,
  description: "Tokens that are never generated.",
  schema: wholeNumbers,
  off: (value) => value.length === 0,
  create: (value, { vocabularySize }) => constant(ban(value.filter((token) => token >= 0 && token < vocabularySize))),
});
