import { z } from "zod";
import { isRecord } from "../util/json-value.ts";
import { snakeCase } from "../util/letter-case.ts";
import type { OptionDefinition } from "../util/option-definition.ts";
import { workingFields } from "./generation-fields.ts";

/** A JSON schema (draft 2020-12) of an object. */
export interface ObjectSchema {
  type: "object";
  properties: { [name: string]: Record<string, unknown> };
  additionalProperties: false;
}

/**
 * The JSON schema of settings as they come over the wire: names in snake_case, null for "off". Options of a call, which hold
 * functions, are left out.
 *
 * @param definitions default: everything of GenerationConfig that works
 */
export function wireSchema(definitions: readonly OptionDefinition[] = workingFields): ObjectSchema {
  const onWire = definitions.filter(({ callOnly }) => !callOnly);
  const properties = Object.fromEntries(onWire.map((definition) => [snakeCase(definition.name), propertyOf(definition)]));
  return { type: "object", properties, additionalProperties: false };
}

function propertyOf({ schema, default: value, description }: OptionDefinition): Record<string, unknown> {
  const { $schema: _, ...given } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  const { anyOf, ...rest } = snakeNames(given) as Record<string, unknown>;
  const alternatives =
    Array.isArray(anyOf) && Object.keys(rest).length === 0 ? anyOf : [{ ...rest, ...(anyOf ? { anyOf } : {}) }];
  return { anyOf: [...alternatives, { type: "null" }], default: value, description };
}

/** The names of nested properties in snake_case too. */
function snakeNames(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snakeNames);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      if (key !== "properties" || !isRecord(item)) return [key, snakeNames(item)];
      return [key, Object.fromEntries(Object.entries(item).map(([name, schema]) => [snakeCase(name), snakeNames(schema)]))];
    }),
  );
}
