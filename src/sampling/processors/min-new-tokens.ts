import { whole } from "../validate.ts";
import type { ProcessorDefinition } from "./definition.ts";
import { banEnds } from "./minimum.ts";

/** No end token among the first new tokens. */
export const minNewTokens: ProcessorDefinition = {
  name: "minNewTokens",
  order: 9,
  sampling: false,
  default: null,
  description: "No end token before this many new tokens.",
  parse: whole(0),
  off: (value) => value === 0,
  create: (value, { eosTokenIds, vocabularySize }) => banEnds(eosTokenIds, vocabularySize, value),
};
