import { TsumugiError } from "../errors.ts";

/** Checks the type and range of an option; throws `invalid_option`. */
export type OptionParser<Value> = (value: unknown, option: string) => Value;

function fail(option: string, expected: string, given: unknown): never {
  throw new TsumugiError("invalid_option", { option, expected, given: typeof given === "number" ? String(given) : given });
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
