import { finite } from "../validate.ts";
import { type ProcessorDefinition, warper } from "./definition.ts";

/** Truncation by an absolute probability (Hewitt et al., 2022). */
export const epsilonCutoff: ProcessorDefinition = {
  name: "epsilonCutoff",
  order: 24,
  sampling: true,
  default: 0,
  description: "Drops tokens less likely than this.",
  parse: finite("a number of at least 0 and below 1", (value) => value >= 0 && value < 1),
  off: (value) => value === 0,
  create: warper("epsilonCutoff"),
};
