import { number } from "../../util/schemas.ts";
import { defineProcessor, warper } from "./definition.ts";

declare module "../options.ts" {
  interface SamplingOptions {
    /** Keeps only tokens that are at least this share as likely as the likeliest. Sampling only. */
    minP?: number | null | undefined;
  }
}

/** Drops tokens less probable than this share of the most probable one. */
export const minP = defineProcessor({
  name: "minP",
  order: 22,
  sampling: true,
  default: null,
  description: "Drops tokens less likely than this share of the likeliest token.",
  flag: { value: "p" },
  schema: number("a number from 0 to 1", { minimum: 0, maximum: 1 }),
  off: (value) => value === 0,
  create: warper("minP"),
});
