import type { SamplingOptions } from "../sampling/index.ts";
import "./fields/index.ts"; // they type GenerationFields; the declarations that are shipped must lead to them
import type { GenerationFields } from "./options.ts";

/**
 * How to generate: the supported fields of transformers' GenerationConfig, in camelCase. An absent field is unset: the
 * model's generation_config.json decides, then the default. `null` switches a field off whatever the model says.
 *
 * Defaults are transformers 5's. Mind that `doSample: true` alone applies `topK: 50`.
 * Source: transformers 5.18, `generation/configuration_utils.py`.
 */
export interface GenerationConfig extends SamplingOptions, GenerationFields {}
