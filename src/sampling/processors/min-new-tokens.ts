import { whole } from "../../util/schemas.ts";
import { defineProcessor } from "./definition.ts";
import { banEnds } from "./minimum.ts";

declare module "../options.ts" {
  interface SamplingOptions {
    /** Bans end tokens before this many new tokens. It wins over `minLength`. */
    minNewTokens?: number | null | undefined;
  }
}

/** Bans end tokens among the first new tokens. */
export const minNewTokens = defineProcessor({
  name: "minNewTokens",
  order: 9,
  sampling: false,
  default: null,
  description: "No end token before this many new tokens. It wins over `minLength`.",
  flag: { value: "n", help: "no end-of-text before this many new tokens" },
  schema: whole(0),
  offInFiles: (value) => typeof value === "number" && value < 0,
  off: (value) => value === 0,
  create: (value, { eosTokenIds, vocabularySize }) => banEnds(eosTokenIds, vocabularySize, value),
});
