import { finite } from "../validate.ts";
import { type ProcessorDefinition, warper } from "./definition.ts";

/** Nucleus sampling (Holtzman et al., 2019): the most likely tokens that together have probability p. */
export const topP: ProcessorDefinition = {
  name: "topP",
  order: 21,
  sampling: true,
  default: 1,
  description: "Samples from the most likely tokens whose probabilities reach p.",
  parse: finite("a number from 0 to 1", (value) => value >= 0 && value <= 1),
  off: (value) => value === 1,
  create: warper("topP"),
};
