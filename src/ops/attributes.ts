import { check } from "./check.ts";
import type { Attributes, AttributeValue } from "./program.ts";

/**
 * What an op takes under one attribute name. Without a default an attribute must be given, unless it is `optional`.
 *
 * - number: any but NaN; integer: a whole one; index: a whole one of at least 0; count: a whole one of at least 1
 * - flag: a boolean; default false
 * - numbers: a list
 * - name: one of `names`
 */
export type AttributeDefinition =
  | { kind: "number" | "integer" | "index" | "count"; default?: number; optional?: true }
  | { kind: "flag"; default?: boolean }
  | { kind: "numbers"; optional?: true }
  | { kind: "name"; names: readonly string[]; optional?: true };

/** Every attribute that an op knows, by name. */
export interface AttributeSchema {
  readonly [name: string]: AttributeDefinition;
}

type ValueOf<Definition> = Definition extends { kind: "flag" }
  ? boolean
  : Definition extends { kind: "numbers" }
    ? readonly number[]
    : Definition extends { kind: "name"; names: readonly (infer Name)[] }
      ? Name
      : number;

/** The attributes of an op as its shape rule and its reference see them: checked, defaults filled in. */
export type AttributeValues<Schema extends AttributeSchema> = {
  readonly [Name in keyof Schema]: ValueOf<Schema[Name]> | (Schema[Name] extends { optional: true } ? undefined : never);
};

type MayBeAbsent = { optional: true } | { default: unknown } | { kind: "flag" };

/** The attributes of an op as a program may give them: what has a default, or is optional, may be absent. */
export type GivenAttributes<Schema extends AttributeSchema> = {
  readonly [Name in keyof Schema as Schema[Name] extends MayBeAbsent ? Name : never]?: ValueOf<Schema[Name]> | undefined;
} & {
  readonly [Name in keyof Schema as Schema[Name] extends MayBeAbsent ? never : Name]: ValueOf<Schema[Name]>;
};

/**
 * An op's attributes, each checked against its definition, defaults filled in; optional ones that are absent stay so.
 * Throws `op_invalid` for a name that the op does not know, and for a value that is not of its kind.
 */
export function checkAttributes(op: string, schema: AttributeSchema, given: Attributes): Attributes {
  const known = Object.keys(schema);
  for (const name of Object.keys(given)) {
    const isKnown = given[name] === undefined || Object.hasOwn(schema, name);
    check(isKnown, op, `attribute \`${name}\``, known.length > 0 ? `one of ${known.join(", ")}` : "no attributes", given[name]);
  }
  const values: { [name: string]: AttributeValue } = {};
  for (const name of known) {
    const definition = schema[name]!;
    const value = given[name] ?? defaultOf(definition);
    if (value !== undefined) values[name] = checkValue(op, name, definition, value);
    else check("optional" in definition, op, `attribute \`${name}\``, expectedOf(definition), "nothing");
  }
  return values;
}

function defaultOf(definition: AttributeDefinition): AttributeValue {
  if (definition.kind === "flag") return definition.default ?? false;
  return "default" in definition ? definition.default : undefined;
}

function checkValue(op: string, name: string, definition: AttributeDefinition, value: AttributeValue): AttributeValue {
  check(isOfKind(definition, value), op, `attribute \`${name}\``, expectedOf(definition), value);
  return value;
}

function isOfKind(definition: AttributeDefinition, value: AttributeValue): boolean {
  const isNumber = (given: unknown) => typeof given === "number" && !Number.isNaN(given);
  switch (definition.kind) {
    case "number":
      return isNumber(value);
    case "integer":
      return Number.isInteger(value);
    case "index":
      return Number.isInteger(value) && Number(value) >= 0;
    case "count":
      return Number.isInteger(value) && Number(value) > 0;
    case "flag":
      return typeof value === "boolean";
    case "numbers":
      return Array.isArray(value) && value.every(isNumber);
    case "name":
      return typeof value === "string" && definition.names.includes(value);
  }
}

const expectations = {
  number: "a number",
  integer: "an integer",
  index: "0 or a positive integer",
  count: "a positive integer",
  flag: "a boolean",
  numbers: "a list of numbers",
} as const;

function expectedOf(definition: AttributeDefinition): string | readonly string[] {
  return definition.kind === "name" ? definition.names : expectations[definition.kind];
}
