import { number } from "../../util/schemas.ts";
import { defineProcessor, warper } from "./definition.ts";

declare module "../options.ts" {
  interface SamplingOptions {
    /** Keeps the most typical tokens up to this probability. Sampling only. Default 1. */
    typicalP?: number | null | undefined;
  }
}

/** Locally typical sampling (Meister et al., 2022) keeps tokens whose surprise is near the entropy. */
export const typicalP = defineProcessor({
  name: "typicalP",
  order: 23,
  sampling: true,
  default: 1,
  description: "Keeps the tokens whose surprise is nearest to the expected one, up to this mass.",
  schema: number("a number above 0, up to 1", { above: 0, maximum: 1 }),
  offInFiles: (value) => typeof value === "number" && value > 1,
  off: (value) => value === 1,
  create: warper("typicalP"),
});
