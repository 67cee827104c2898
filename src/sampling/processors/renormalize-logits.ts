import { boolean } from "../../util/schemas.ts";
import { constant, defineProcessor } from "./definition.ts";

declare module "../options.ts" {
  interface SamplingOptions {
    /** Makes the processed scores log probabilities. Default false. */
    renormalizeLogits?: boolean | null | undefined;
  }
}

/** Turns scores into log probabilities, after everything else. */
export const renormalizeLogits = defineProcessor({
  name: "renormalizeLogits",
  order: 27,
  sampling: false,
  default: false,
  description: "Makes the processed scores log probabilities.",
  schema: boolean,
  off: (value) => !value,
  create: () => constant({ kind: "normalise" }),
});
