import { finite } from "../validate.ts";
import { type ProcessorDefinition, warper } from "./definition.ts";

/** Top-nσ (Tang et al., 2024): scores within n standard deviations of the greatest. Temperature changes nothing in it. */
export const topNSigma: ProcessorDefinition = {
  name: "topNSigma",
  order: 18.5,
  sampling: true,
  default: null,
  description: "Keeps the tokens whose score is within this many standard deviations of the best.",
  parse: finite("a number of at least 0", (value) => value >= 0),
  off: (value) => value === 0,
  create: warper("topNSigma"),
};
