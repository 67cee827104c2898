import { whole } from "../../util/schemas.ts";
import { atLength, checkVocabulary, defineProcessor, force } from "./definition.ts";

declare module "../options.ts" {
  interface SamplingOptions {
    /** The token that must come first where the prompt is one token. */
    forcedBosTokenId?: number | null | undefined;
  }
}

/** Forces the token behind a prompt of one token. In encoder-decoder models that is the language of a translation. */
export const forcedBosTokenId = defineProcessor({
  name: "forcedBosTokenId",
  order: 11,
  sampling: false,
  default: null,
  description: "The first new token, where the prompt (or the decoder's start) is one token.",
  schema: whole(0),
  offInFiles: (value) => typeof value === "number" && value < 0,
  off: () => false,
  create(value, context) {
    checkVocabulary("forcedBosTokenId", [value], context);
    const forced = [force([value])];
    return atLength(context.promptTokens.length, (length) => (length === 1 ? forced : []));
  },
});
