import type { SamplingValues } from "../sampling/index.ts";
import type { FieldValues } from "./generation-fields.ts";

/** All supported fields with their values decided; null is unset, or off. */
export interface GenerationSettings extends SamplingValues, FieldValues {}
