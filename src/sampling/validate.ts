import { TsumugiError } from "../errors.ts";
import { camelCase } from "../util/letter-case.ts";

/** Checks the type and range of an option; throws `invalid_option`. */
export type OptionParser<Value> = (value: unknown, option: string) => Value;

/** Refuses a value: `invalid_option`. */
export function fail(option: string, expected: string, given: unknown): never {
  throw new TsumugiError("invalid_option", { option, expected, given });
}

/** A finite number that `test` allows; `expected` says which. */
export function finite(expected: string, test: (value: number) => boolean): OptionParser<number> {
  return (value, option) =>
    typeof value === "number" && Number.isFinite(value) && test(value) ? value : fail(option, expected, value);
}

/** A whole number of at least `minimum`. */
export function whole(minimum: number): OptionParser<number> {
  return (value, option) =>
    Number.isSafeInteger(value) && (value as number) >= minimum
      ? (value as number)
      : fail(option, `a whole number of at least ${minimum}`, value);
}

export const boolean: OptionParser<boolean> = (value, option) =>
  typeof value === "boolean" ? value : fail(option, "true or false", value);

/** One token id or a list of them; always gives a list. */
export const tokenIds: OptionParser<number[]> = (value, option) => {
  const list = Array.isArray(value) ? value : [value];
  if (list.every((id) => Number.isSafeInteger(id) && id >= 0)) return list as number[];
  return fail(option, "a token id or a list of token ids", value);
};

/** One text or a list of them, none empty; always gives a list. */
export const texts: OptionParser<string[]> = (value, option) => {
  const list = Array.isArray(value) ? value : [value];
  if (list.every((text) => typeof text === "string" && text !== "")) return list as string[];
  return fail(option, "a text or a list of texts, none of them empty", value);
};

/** A list of whole numbers; negative ones, which are no token, are allowed where files have them. */
export const wholeNumbers: OptionParser<number[]> = (value, option) =>
  Array.isArray(value) && value.every(Number.isSafeInteger) ? (value as number[]) : fail(option, "a list of token ids", value);

/** A list of token ids, at least one. */
export const idSequence: OptionParser<number[]> = (value, option) =>
  Array.isArray(value) && value.length > 0 && value.every((id) => Number.isSafeInteger(id) && id >= 0)
    ? (value as number[])
    : fail(option, "made of lists of token ids, none of them empty", value);

/** An object with these fields; absent ones take `defaults`. Names may be in camelCase or, as in files, in snake_case. */
export function fields<Value extends object>(parsers: { [Name in keyof Value]: OptionParser<Value[Name]> }, defaults: Value) {
  const names = Object.keys(parsers) as (keyof Value & string)[];
  return (value: unknown, option: string): Value => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      return fail(option, `an object with ${names.map((name) => `\`${name}\``).join(", ")}`, value);
    }
    const result = { ...defaults };
    for (const [key, item] of Object.entries(value)) {
      const camel = camelCase(key);
      const name = names.find((candidate) => candidate === camel);
      if (name === undefined) fail(option, `an object with only ${names.join(", ")}`, key);
      else if (item !== undefined && item !== null) result[name] = parsers[name](item, `${option}.${name}`);
    }
    return result;
  };
}
