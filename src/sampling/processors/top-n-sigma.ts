import { number } from "../../util/schemas.ts";
import { defineProcessor, warper } from "./definition.ts";

declare module "../options.ts" {
  interface SamplingOptions {
    /** Keeps only tokens whose score is within this many standard deviations of the best. Sampling only. */
    topNSigma?: number | null | undefined;
  }
}

/** Top-nσ (Tang et al., 2024) keeps scores within n standard deviations of the greatest. Temperature changes nothing in it. */
export const topNSigma = defineProcessor({
  name: "topNSigma",
  order: 18.5,
  sampling: true,
  default: null,
  description: "Keeps the tokens whose score is within this many standard deviations of the best.",
  schema: number("a number of at least 0", { minimum: 0 }),
  off: (value) => value === 0,
  create: warper("topNSigma"),
});
