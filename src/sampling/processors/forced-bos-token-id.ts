import { whole } from "../validate.ts";
import { atLength, checkVocabulary, force, type ProcessorDefinition } from "./definition.ts";

/** The token behind a prompt of one token: the language of a translation, in encoder-decoder models. */
export const forcedBosTokenId: ProcessorDefinition = {
  name: "forcedBosTokenId",
  order: 11,
  sampling: false,
  default: null,
  description: "The first new token, where the prompt (or the decoder's start) is one token.",
  parse: whole(0),
  off: () => false,
  create(value, context) {
    checkVocabulary("forcedBosTokenId", [value], context);
    const forced = [force([value])];
    return atLength(context.promptTokens.length, (length) => (length === 1 ? forced : []));
  },
};
