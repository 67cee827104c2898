import { finite } from "../validate.ts";
import { type ProcessorDefinition, warper } from "./definition.ts";

/** Eta sampling (Hewitt et al., 2022): an absolute cutoff, lower where the model is unsure. */
export const etaCutoff: ProcessorDefinition = {
  name: "etaCutoff",
  order: 25,
  sampling: true,
  default: 0,
  description: "Drops tokens less likely than a bound that falls with the entropy.",
  parse: finite("a number of at least 0 and below 1", (value) => value >= 0 && value < 1),
  off: (value) => value === 0,
  create: warper("etaCutoff"),
};
