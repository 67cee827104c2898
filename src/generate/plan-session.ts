import type { Backend, Limits } from "../backends/backend.ts";
import { holdAsStored } from "../backends/weight-holding.ts";
import type { Checkpoint } from "../formats/checkpoint.ts";
import { withAttentions, withHiddenStates } from "../models/index.ts";
import type { Model } from "../ops/program.ts";
import type { FloatDType } from "../tensor/dtype.ts";
import { chooseDtype } from "./choose-dtype.ts";
import { fittingLimits } from "./fit-memory.ts";
import type { ModelOptions } from "./load-options.ts";
import { isOwnFormat } from "./own-format-names.ts";
import { ownFormatRule, withActivations } from "./own-formats.ts";
import { quantisingRule } from "./quantise-on-load.ts";

/** How a model will be held and sized. */
export interface SessionPlan {
  /** With the outputs that the backend can give more of. */
  model: Model;
  dtype: FloatDType;
  maxBatchSize: number;
  limits: Limits;
}

/**
 * What the options of loading mean for a model, before any of its weights is read.
 *
 * @throws what `chooseDtype`, `ownFormatRule`, `quantisingRule`, `withActivations`, `engineLimits` and `fittingLimits` throw
 */
export function planSession(
  { model: plain, config, checkpoint, backend }: PlannedParts,
  options: Pick<
    ModelOptions,
    | ("dtype" | "activationDtype" | "activations" | "kvCacheDtype" | "quantizationConfig" | "loadIn4bit" | "loadIn8bit")
    | ("maxBatchSize" | "contextTokens" | "cacheBytes" | "checkMemory")
  >,
): SessionPlan {
  const model = backend.keepsOutputs ? withAttentions(withHiddenStates(plain)) : plain;
  const { dtype: asked = "auto" } = options;
  const dtype = chooseDtype(isOwnFormat(asked) ? "auto" : asked, config, checkpoint);
  const maxBatchSize = options.maxBatchSize ?? 64;
  const activation = options.activationDtype === "float32" ? ("float32" as const) : undefined;
  const sizes = { blockTokens: backend.blockTokens, maxSequences: maxBatchSize };
  const cache = options.kvCacheDtype === "auto" ? undefined : options.kvCacheDtype;
  const own = isOwnFormat(asked) ? ownFormatRule(model, asked) : undefined;
  const rule = own ?? quantisingRule(model, config, options) ?? holdAsStored;
  const holdAs = withActivations(model, rule, options);
  const limitOptions = { ...sizes, weights: dtype, holdAs, activation, cache, taps: ["hidden"] };
  const limits = fittingLimits({ model, checkpoint, backend }, limitOptions, options);
  return { model, dtype, maxBatchSize, limits };
}

interface PlannedParts {
  model: Model;
  config: Record<string, unknown>;
  checkpoint: Checkpoint;
  backend: Backend;
}
