import type { LoadedModel } from "../decoding/loaded-model.ts";
import type { RandomGenerator } from "../sampling/index.ts";

/** What a call of `generate` works with. */
export interface GenerateContext extends LoadedModel {
  /** Several calls that share one seed; overrides `seed` and `setSeed`. */
  generator?: RandomGenerator;
}
