import { finite } from "../validate.ts";
import { type ProcessorDefinition, warper } from "./definition.ts";

/** Locally typical sampling (Meister et al., 2022). */
export const typicalP: ProcessorDefinition = {
  name: "typicalP",
  order: 23,
  sampling: true,
  default: 1,
  description: "Keeps the tokens whose surprise is nearest to the expected one, up to this mass.",
  parse: finite("a number above 0, up to 1", (value) => value > 0 && value <= 1),
  off: (value) => value === 1,
  create: warper("typicalP"),
};
