import { number } from "../../util/schemas.ts";
import { defineProcessor, warper } from "./definition.ts";

declare module "../options.ts" {
  interface SamplingOptions {
    /** Drops tokens less likely than this. Sampling only. Default 0. */
    epsilonCutoff?: number | null | undefined;
  }
}

/** Drops tokens below an absolute probability (Hewitt et al., 2022). */
export const epsilonCutoff = defineProcessor({
  name: "epsilonCutoff",
  order: 24,
  sampling: true,
  default: 0,
  description: "Drops tokens less likely than this.",
  schema: number("a number of at least 0 and below 1", { minimum: 0, below: 1 }),
  offInFiles: (value) => typeof value === "number" && (value < 0 || value >= 1),
  off: (value) => value === 0,
  create: warper("epsilonCutoff"),
});
