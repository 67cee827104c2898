import { seed as schema } from "../../sampling/seed.ts";
import { defineCallOption } from "../define-call-option.ts";

declare module "../options.ts" {
  interface CallOptions {
    /** This call's own random numbers, as if `setSeed(seed)` stood right before it. 0 ≤ seed < 2³². Default: `setSeed`'s. */
    seed?: number | undefined;
  }
}

export const seed = defineCallOption({
  name: "seed",
  schema,
  default: null,
  sampling: true,
  description: "This call's own random numbers, as if `setSeed(seed)` stood right before it. Default: those of `setSeed`.",
  flag: { value: "n", help: "sample with this seed: the same text every time" },
});
