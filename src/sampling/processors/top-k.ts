import { whole } from "../validate.ts";
import { type ProcessorDefinition, warper } from "./definition.ts";

/** Keeps the k greatest scores and whatever ties with the last of them. */
export const topK: ProcessorDefinition = {
  name: "topK",
  order: 20,
  sampling: true,
  default: 50,
  description: "Samples from the k most likely tokens only; 0 is no limit.",
  parse: whole(0),
  off: (value) => value === 0,
  create: warper("topK"),
};
