import { wholeNumbers } from "../../util/schemas.ts";
import { atLength, ban, defineProcessor } from "./definition.ts";

declare module "../options.ts" {
  interface SamplingOptions {
    /** Tokens that are not generated first. */
    beginSuppressTokens?: readonly number[] | null | undefined;
  }
}

/** Bans tokens at the first place, or at the second where the first is forced. */
export const beginSuppressTokens = defineProcessor({
  name: "beginSuppressTokens",
  order: 16,
  sampling: false,
  default: null,
  description: "Tokens that are not generated first.",
  schema: wholeNumbers,
  off: (value) => value.length === 0,
  create(value, { promptTokens, vocabularySize, forcedBos }) {
    const begin = promptTokens.length + (promptTokens.length <= 1 && forcedBos ? 1 : 0);
    const banned = [ban(value.filter((token) => token >= 0 && token < vocabularySize))];
    return atLength(promptTokens.length, (length) => (length === begin ? banned : []));
  },
});
