import { tokenIds } from "../validate.ts";
import { atLength, checkVocabulary, force, type ProcessorDefinition } from "./definition.ts";

/** The last token that `maxLength` or `maxNewTokens` allows. */
export const forcedEosTokenId: ProcessorDefinition<number[]> = {
  name: "forcedEosTokenId",
  order: 12,
  sampling: false,
  default: null,
  description: "The token, or one of these tokens, that ends a row which has reached its greatest length.",
  parse: tokenIds,
  off: (value) => value.length === 0,
  create(value, context) {
    checkVocabulary("forcedEosTokenId", value, context);
    const forced = [force(value)];
    return atLength(context.promptTokens.length, (length) => (length === context.maxLength - 1 ? forced : []));
  },
};
