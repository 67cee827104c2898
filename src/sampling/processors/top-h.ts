import { number } from "../../util/schemas.ts";
import { defineProcessor, warper } from "./definition.ts";

declare module "../options.ts" {
  interface SamplingOptions {
    /** Keeps the likeliest of the best 100 tokens, up to this share of their entropy (top-H). Sampling only. */
    topH?: number | null | undefined;
  }
}

/** Top-H sampling (Baghaei Potraghloo et al., 2025) keeps the likeliest tokens up to a share of the entropy. */
export const topH = defineProcessor({
  name: "topH",
  order: 19,
  sampling: true,
  default: null,
  description: "Keeps the likeliest of the best 100 tokens up to this share of their entropy.",
  schema: number("a number above 0, up to 1", { above: 0, maximum: 1 }),
  off: () => false,
  create: warper("topH"),
});
