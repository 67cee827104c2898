import { boolean } from "../validate.ts";
import { constant, type ProcessorDefinition } from "./definition.ts";

/** NaN becomes 0, infinities the greatest and least float32. */
export const removeInvalidValues: ProcessorDefinition<boolean> = {
  name: "removeInvalidValues",
  order: 13,
  sampling: false,
  default: false,
  description: "Replaces NaN and infinite scores.",
  parse: boolean,
  off: (value) => !value,
  create: () => constant({ kind: "invalid" }),
};
