import { TsumugiError } from "../../errors.ts";
import { finite } from "../validate.ts";
import { type ProcessorDefinition, warper } from "./definition.ts";

const create = warper("temperature");

/** Scores divided by the temperature: below 1 sharper, above 1 flatter. */
export const temperature: ProcessorDefinition = {
  name: "temperature",
  order: 18,
  sampling: true,
  default: 1,
  description: "Divides the scores: below 1 the likely tokens become likelier, above 1 the choice is freer.",
  parse: finite("a number of at least 0", (value) => value >= 0),
  off: (value) => value === 1,
  create(value, context) {
    if (value > 0) return create(value, context);
    const expected = "above 0 when sampling (for greedy decoding use `doSample: false`)";
    throw new TsumugiError("invalid_option", { option: "temperature", expected, given: value });
  },
};
