import { tokenIds } from "../../util/schemas.ts";
import { atLength, checkVocabulary, defineProcessor, force } from "./definition.ts";

declare module "../options.ts" {
  interface SamplingOptions {
    /** The token, or tokens, that the last place that the length allows must have. */
    forcedEosTokenId?: number | readonly number[] | null | undefined;
  }
}

/** Forces the last token that `maxLength` or `maxNewTokens` allows. */
export const forcedEosTokenId = defineProcessor({
  name: "forcedEosTokenId",
  order: 12,
  sampling: false,
  default: null,
  description: "The token, or one of these tokens, that ends a row which has reached its greatest length.",
  schema: tokenIds,
  off: (value) => value.length === 0,
  create(value, context) {
    checkVocabulary("forcedEosTokenId", value, context);
    const forced = [force(value)];
    return atLength(context.promptTokens.length, (length) => (length === context.maxLength - 1 ? forced : []));
  },
});
