import { finite } from "../validate.ts";
import { type ProcessorDefinition, warper } from "./definition.ts";

/** Drops tokens less probable than this share of the most probable one. */
export const minP: ProcessorDefinition = {
  name: "minP",
  order: 22,
  sampling: true,
  default: null,
  description: "Drops tokens less likely than this share of the likeliest token.",
  parse: finite("a number from 0 to 1", (value) => value >= 0 && value <= 1),
  off: (value) => value === 0,
  create: warper("minP"),
};
