import { z } from "zod";
import { TsumugiError } from "../errors.ts";
import { isPlainObject } from "./json-value.ts";
import { camelCase } from "./letter-case.ts";
import { isSignal } from "./option-types.ts";

/** What checks a value from outside, and may turn it into another: options, and settings in files and on the wire. */
export type Schema<Value = unknown, Input = unknown> = z.ZodType<Value, Input>;

/** What a value of a schema must be, as it ends the sentence "`option` must be …". */
const expectations = z.registry<{ expected: string }>();

/** Says in words what a schema's values must be. */
export function expects<Kind extends z.ZodType>(expected: string, schema: Kind): Kind {
  expectations.add(schema, { expected });
  return schema;
}

/** Bounds of a number: inclusive, or exclusive. */
export interface NumberBounds {
  minimum?: number;
  maximum?: number;
  above?: number;
  below?: number;
}

/** A finite number within bounds; `expected` says which. */
export function number(expected: string, { minimum, maximum, above, below }: NumberBounds = {}) {
  let schema = z.number();
  if (minimum !== undefined) schema = schema.min(minimum);
  if (maximum !== undefined) schema = schema.max(maximum);
  if (above !== undefined) schema = schema.gt(above);
  if (below !== undefined) schema = schema.lt(below);
  return expects(expected, schema);
}

/** A whole number of at least `minimum`, and at most `maximum` where one is given. */
export function whole(minimum: number, maximum?: number) {
  if (maximum === undefined) return expects(`a whole number of at least ${minimum}`, z.int().min(minimum));
  return expects(`a whole number from ${minimum} to ${maximum}`, z.int().min(minimum).max(maximum));
}

/** True or false. */
export const boolean = expects("true or false", z.boolean());

/** One of some texts. */
export function choice<const Values extends readonly [string, ...string[]]>(values: Values, expected?: string) {
  const named = values.map((value) => `"${value}"`);
  return expects(expected ?? `one of ${named.join(", ")}`, z.enum(values));
}

/** A number, infinite ones included. */
export const numberOrInfinity = z
  .custom<number>((value) => typeof value === "number" && !Number.isNaN(value))
  .meta({ type: "number" });

const token = z.int().min(0);

/** One token id or a list of them; always gives a list. */
export const tokenIds = expects(
  "a token id or a list of token ids",
  z.union([token, z.array(token)]).transform((ids) => (Array.isArray(ids) ? ids : [ids])),
);

/** A list of token ids, at least one. */
export const idSequence = expects("made of lists of token ids, none of them empty", z.array(token).min(1));

/** A list of whole numbers; negative ones, which are no token, are allowed where files have them. */
export const wholeNumbers = expects("a list of token ids", z.array(z.int()));

const text = z.string().min(1);

/** One text or a list of them, none empty; always gives a list. */
export const texts = expects(
  "a text or a list of texts, none of them empty",
  z.union([text, z.array(text)]).transform((list) => (Array.isArray(list) ? list : [list])),
);

/** A list of texts, none empty; described by `expected`. */
export function textList(expected: string) {
  return expects(expected, z.array(text));
}

/** A function, described by `expected`. */
export function callable<Value>(expected: string) {
  return expects(
    expected,
    z.custom<Value>((value) => typeof value === "function"),
  );
}

/** An AbortSignal, also of another realm or library. */
export const abortSignal = expects("an AbortSignal", z.custom<AbortSignal>(isSignal));

/**
 * An object with these fields. Their schemas carry the defaults of absent ones; null is absent too. Names may be in camelCase
 * or, as in files, in snake_case.
 */
export function fields<Shape extends z.ZodRawShape>(shape: Shape) {
  const names = Object.keys(shape);
  const object = z.strictObject(shape);
  const schema = z.preprocess((value) => (isPlainObject(value) ? ownNames(value, names) : notAnObject), object);
  expects(`an object with ${names.map((name) => `\`${name}\``).join(", ")}`, schema);
  return schema as unknown as Schema<z.output<typeof object>, z.input<typeof object>>;
}

/** Stands for a Map, a Date and their like, which zod would take for an object without fields. */
const notAnObject = Symbol("no plain object");

function ownNames(value: Record<string, unknown>, names: readonly string[]): Record<string, unknown> {
  const isAbsent = (key: string, item: unknown) => item === undefined || (item === null && names.includes(camelCase(key)));
  const present = Object.entries(value).filter(([key, item]) => !isAbsent(key, item));
  return Object.fromEntries(present.map(([key, item]) => [names.includes(camelCase(key)) ? camelCase(key) : key, item]));
}

/**
 * Checks an option and gives its value.
 *
 * @throws `invalid_option`: what the value must be, and what was given
 *
 * @example
 * ```ts
 * parseOption(whole(1), 0, "numBeams"); // `numBeams` must be a whole number of at least 1. Given: 0.
 * ```
 */
export function parseOption<Value>(schema: Schema<Value>, value: unknown, option: string): Value {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw refusal(schema, value, option, result.error.issues[0]!);
}

/** Refuses a value: `invalid_option`. */
export function fail(option: string, expected: string, given: unknown): never {
  throw new TsumugiError("invalid_option", { option, expected, given });
}

/** The error of an issue: said by the innermost schema on its path that says what it expects. */
function refusal(schema: z.core.$ZodType, value: unknown, option: string, issue: z.core.$ZodIssue): TsumugiError {
  let found = { expected: "of another form", option, given: value };
  let inner: z.core.$ZodType | undefined = schema;
  const path = issue.path.slice();
  for (;;) {
    const said = expectationOf(inner);
    if (said) found = { expected: said, option, given: value };
    const key = path.shift();
    inner = key === undefined ? undefined : elementOf(inner, key);
    if (inner === undefined) break;
    value = memberOf(value, key as PropertyKey);
    if (typeof key === "string") option = `${option}.${key}`;
  }
  if (issue.code === "too_big" && issue.maximum === Number.MAX_SAFE_INTEGER) {
    found = { ...found, expected: `${found.expected}, and at most ${issue.maximum}` };
  }
  if (issue.code === "unrecognized_keys") {
    const names = Object.keys(objectShape(schema) ?? {});
    found = { expected: `an object with only ${names.join(", ")}`, option: found.option, given: issue.keys[0] };
  }
  return new TsumugiError("invalid_option", found);
}

type Wrapper = z.core.$ZodPipe | z.core.$ZodDefault | z.core.$ZodOptional | z.core.$ZodNullable;

/** The schema within a default, an optional value, or one that is turned into another. */
function unwrap(schema: z.core.$ZodType): z.core.$ZodType | undefined {
  const { def } = (schema as Wrapper)._zod;
  if (def.type === "pipe") return def.in._zod.def.type === "transform" ? def.out : def.in;
  return def.type === "default" || def.type === "optional" || def.type === "nullable" ? def.innerType : undefined;
}

function expectationOf(schema: z.core.$ZodType): string | undefined {
  for (let at: z.core.$ZodType | undefined = schema; at; at = unwrap(at)) {
    const said = expectations.get(at);
    if (said) return said.expected;
  }
  return undefined;
}

function objectShape(schema: z.core.$ZodType): z.core.$ZodShape | undefined {
  let inner = schema;
  for (let next = unwrap(inner); next; next = unwrap(inner)) inner = next;
  const { def } = (inner as z.core.$ZodObject)._zod;
  return def.type === "object" ? def.shape : undefined;
}

/** The schema of an object's field or a list's element; undefined where it cannot be told. */
function elementOf(schema: z.core.$ZodType, key: PropertyKey): z.core.$ZodType | undefined {
  let inner = schema;
  for (let next = unwrap(inner); next; next = unwrap(inner)) inner = next;
  const { def } = (inner as z.core.$ZodObject | z.core.$ZodArray | z.core.$ZodTuple)._zod;
  if (def.type === "object") return def.shape[key as string];
  if (def.type === "array") return def.element;
  return def.type === "tuple" ? def.items[key as number] : undefined;
}

function memberOf(value: unknown, key: PropertyKey): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  const record = value as Record<PropertyKey, unknown>;
  if (key in record) return record[key];
  const spelled = Object.keys(record).find((name) => camelCase(name) === key); // in snake_case
  return spelled === undefined ? undefined : record[spelled];
}
