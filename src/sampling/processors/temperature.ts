import { TsumugiError } from "../../errors.ts";
import { number } from "../../util/schemas.ts";
import { defineProcessor, warper } from "./definition.ts";

const create = warper("temperature");

declare module "../options.ts" {
  interface SamplingOptions {
    /** Divides the scores. Sampling only. Above 0; default 1. */
    temperature?: number | null | undefined;
  }
}

/** Divides scores by the temperature: below 1 they get sharper, above 1 flatter. */
export const temperature = defineProcessor({
  name: "temperature",
  order: 18,
  sampling: true,
  default: 1,
  description: "Divides the scores: below 1 the likely tokens become likelier, above 1 the choice is freer.",
  flag: { value: "t", help: "sample, dividing the scores by t; 0 is greedy" },
  schema: number("a number of at least 0", { minimum: 0 }),
  off: (value) => value === 1,
  create(value, context) {
    if (value > 0) return create(value, context);
    const expected = "above 0 when sampling (for greedy decoding use `doSample: false`)";
    throw new TsumugiError("invalid_option", { option: "temperature", expected, given: value });
  },
});
