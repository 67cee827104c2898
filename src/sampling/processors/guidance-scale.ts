import { finite } from "../validate.ts";
import { constant, type ProcessorDefinition } from "./definition.ts";

/**
 * Classifier-free guidance (Sanchez et al., 2023): log probabilities go on, `scale` times as far, from those of the same
 * answer behind the negative prompt.
 */
export const guidanceScale: ProcessorDefinition = {
  name: "guidanceScale",
  order: 1,
  sampling: false,
  default: null,
  oneBeam: true,
  description: "Above 1, leads the answer towards the prompt and away from the negative prompt.",
  parse: finite("a number", () => true),
  off: (value) => value === 1,
  create: (scale) => constant({ kind: "normalise" }, { kind: "guide", scale }),
};
