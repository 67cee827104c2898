import { whole } from "../../util/schemas.ts";
import { defineProcessor } from "./definition.ts";
import { banEnds } from "./minimum.ts";

declare module "../options.ts" {
  interface SamplingOptions {
    /** Bans end tokens while the row, prompt included, is shorter than this. Default 0. */
    minLength?: number | null | undefined;
  }
}

/** Bans end tokens while the row, prompt and pads included, is shorter than this. */
export const minLength = defineProcessor({
  name: "minLength",
  order: 8,
  sampling: false,
  default: 0,
  required: true,
  description: "No end token before the row, prompt included, has this many tokens.",
  schema: whole(0),
  offInFiles: (value) => typeof value === "number" && value < 0,
  off: (value) => value === 0,
  create: (value, { eosTokenIds, vocabularySize, promptTokens }) =>
    banEnds(eosTokenIds, vocabularySize, value - promptTokens.length),
});
