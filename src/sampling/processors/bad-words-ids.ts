import { z } from "zod";
import { expects, fail, idSequence } from "../../util/schemas.ts";
import { defineProcessor } from "./definition.ts";
import { biasSequences } from "./sequence-bias.ts";

const schema = expects("a list of lists of token ids, not empty", z.array(idSequence).min(1));

declare module "../options.ts" {
  interface SamplingOptions {
    /** Token sequences that are never generated. */
    badWordsIds?: readonly (readonly number[])[] | null | undefined;
  }
}

/** Bans token sequences. Single end tokens among them are left alone, as in transformers. */
export const badWordsIds = defineProcessor({
  name: "badWordsIds",
  order: 7,
  sampling: false,
  default: null,
  description: "Token sequences that are never generated.",
  schema,
  off: () => false,
  create(value, context) {
    const words = value.filter((word) => word.length > 1 || !context.eosTokenIds.includes(word[0]!));
    if (words.length === 0) fail("badWordsIds", "a list with at least one word that is no end token", value);
    return biasSequences(
      "badWordsIds",
      words.map((word) => [word, -Infinity]),
      context,
    );
  },
});
