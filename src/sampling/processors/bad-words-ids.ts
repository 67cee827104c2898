import { fail, idSequence, type OptionParser } from "../validate.ts";
import type { ProcessorDefinition } from "./definition.ts";
import { biasSequences } from "./sequence-bias.ts";

const parse: OptionParser<readonly number[][]> = (value, option) => {
  if (!Array.isArray(value) || value.length === 0) return fail(option, "a list of lists of token ids, not empty", value);
  return value.map((word) => idSequence(word, option));
};

/** Token sequences that must not be generated; single end tokens among them are left alone, as in transformers. */
export const badWordsIds: ProcessorDefinition<readonly number[][]> = {
  name: "badWordsIds",
  order: 7,
  sampling: false,
  default: null,
  description: "Token sequences that are never generated.",
  parse,
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
};
