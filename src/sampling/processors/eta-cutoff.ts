import { number } from "../../util/schemas.ts";
import { defineProcessor, warper } from "./definition.ts";

declare module "../options.ts" {
  interface SamplingOptions {
    /** The cutoff of eta sampling. Sampling only. Default 0: off. */
    etaCutoff?: number | null | undefined;
  }
}

/** Eta sampling (Hewitt et al., 2022) drops tokens below a cutoff that is lower where the model is unsure. */
export const etaCutoff = defineProcessor({
  name: "etaCutoff",
  order: 25,
  sampling: true,
  default: 0,
  description: "Drops tokens less likely than a bound that falls with the entropy.",
  schema: number("a number of at least 0 and below 1", { minimum: 0, below: 1 }),
  offInFiles: (value) => typeof value === "number" && (value < 0 || value >= 1),
  off: (value) => value === 0,
  create: warper("etaCutoff"),
});
