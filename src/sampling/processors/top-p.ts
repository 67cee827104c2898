import { number } from "../../util/schemas.ts";
import { defineProcessor, warper } from "./definition.ts";

declare module "../options.ts" {
  interface SamplingOptions {
    /** Keeps only the likeliest tokens that together reach this probability. Sampling only. Default 1. */
    topP?: number | null | undefined;
  }
}

/** Nucleus sampling (Holtzman et al., 2019) keeps the most likely tokens that together have probability p. */
export const topP = defineProcessor({
  name: "topP",
  order: 21,
  sampling: true,
  default: 1,
  description: "Samples from the most likely tokens whose probabilities reach p.",
  flag: { value: "p", help: "sample from the most likely tokens that sum to p" },
  schema: number("a number from 0 to 1", { minimum: 0, maximum: 1 }),
  offInFiles: (value) => typeof value === "number" && value > 1,
  off: (value) => value === 1,
  create: warper("topP"),
});
