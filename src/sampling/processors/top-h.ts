import { finite } from "../validate.ts";
import { type ProcessorDefinition, warper } from "./definition.ts";

/** Top-H sampling (Baghaei Potraghloo et al., 2025): the likeliest tokens up to a share of the entropy. */
export const topH: ProcessorDefinition = {
  name: "topH",
  order: 19,
  sampling: true,
  default: null,
  description: "Keeps the likeliest of the best 100 tokens up to this share of their entropy.",
  parse: finite("a number above 0, up to 1", (value) => value > 0 && value <= 1),
  off: () => false,
  create: warper("topH"),
};
