import { boolean } from "../../util/schemas.ts";
import { constant, defineProcessor } from "./definition.ts";

declare module "../options.ts" {
  interface SamplingOptions {
    /** Replaces NaN and infinite scores. Default false. */
    removeInvalidValues?: boolean | null | undefined;
  }
}

/** Turns NaN into 0, and infinities into the greatest and the least float32. */
export const removeInvalidValues = defineProcessor({
  name: "removeInvalidValues",
  order: 13,
  sampling: false,
  default: false,
  description: "Replaces NaN and infinite scores.",
  schema: boolean,
  off: (value) => !value,
  create: () => constant({ kind: "invalid" }),
});
