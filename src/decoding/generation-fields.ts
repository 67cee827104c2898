import { processorDefinitions } from "../sampling/index.ts";
import type { OptionDefinition, OptionValue } from "../util/option-definition.ts";
import type { FieldDefinition } from "./define-field.ts";
import * as definitions from "./fields/index.ts";
import { type RefusedField, refusedFields } from "./refused-fields.ts";

type Definitions = typeof definitions;

/** Decided values of the fields that are no logits processor; null is unset. */
export type FieldValues = { [Name in keyof Definitions]: OptionValue<Definitions[Name]> };

/** A field of GenerationConfig that works. */
export interface SupportedField extends OptionDefinition {
  supported: true;
}

export type GenerationField = SupportedField | RefusedField;

/** The fields that work and are no logits processor, by families. */
export const fieldDefinitions: readonly FieldDefinition[] = Object.values(definitions as Record<string, FieldDefinition>);

/** All fields that work. */
export const workingFields: readonly OptionDefinition[] = [...fieldDefinitions, ...processorDefinitions];

/** Every field of transformers' GenerationConfig, in camelCase; files and the wire spell them in snake_case. */
export const generationFields: { readonly [field: string]: GenerationField } = {
  ...Object.fromEntries(workingFields.map((definition) => [definition.name, { ...definition, supported: true } as const])),
  ...refusedFields,
};

/** The same, as pairs. */
export const generationFieldEntries = Object.entries(generationFields);

/** Names of all fields, supported or not. */
export const generationFieldNames: readonly string[] = Object.keys(generationFields);

/** The value of a field that `null` switches off. */
export function unset({ required, default: value }: SupportedField): unknown {
  return required ? value : null;
}
