import type { OptionDefinition } from "../util/option-definition.ts";
import type { GenerationFields } from "./options.ts";

/** What fields are documented together, in this order. */
export const fieldFamilies = [
  "Length and end",
  "Sampling and search",
  "Special tokens",
  "Assisted generation",
  "Output",
] as const;

/** A field of GenerationConfig that works. */
export interface FieldDefinition<Name extends string = string, Value = unknown, Required extends boolean = boolean>
  extends OptionDefinition<Name, Value, Required> {
  /** The fields that it is documented with. */
  readonly family: (typeof fieldFamilies)[number];
}

/** Declares a field that is typed in `GenerationFields`. */
export function defineField<const Name extends keyof GenerationFields & string, Value, const Required extends boolean = false>(
  definition: FieldDefinition<Name, Value, Required>,
): FieldDefinition<Name, Value, Required> {
  return definition;
}
