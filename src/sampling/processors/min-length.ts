import { whole } from "../validate.ts";
import type { ProcessorDefinition } from "./definition.ts";
import { banEnds } from "./minimum.ts";

/** No end token while the row, prompt and pads included, is shorter than this. */
export const minLength: ProcessorDefinition = {
  name: "minLength",
  order: 8,
  sampling: false,
  default: 0,
  description: "No end token before the row, prompt included, has this many tokens.",
  parse: whole(0),
  off: (value) => value === 0,
  create: (value, { eosTokenIds, vocabularySize, promptTokens }) =>
    banEnds(eosTokenIds, vocabularySize, value - promptTokens.length),
};
