import { TsumugiError } from "../errors.ts";
import { isPlainObject } from "./json-value.ts";

const expectations = {
  boolean: "true or false",
  string: "a text",
  function: "a function",
  signal: "an AbortSignal",
} as const;

/** The type that an option must have. */
export type OptionType = keyof typeof expectations;

/**
 * Refuses what is no plain object (`invalid_input`): lists, Maps and Dates, whose items nobody would read, and instances of classes,
 * whose fields may be inherited. `undefined` passes.
 */
export function checkIsOptions(options: unknown, what = "The options"): void {
  if (options === undefined || isPlainObject(options)) return;
  throw new TsumugiError("invalid_input", { what, expected: "an object such as `{ name: value }`", given: options });
}

/** Refuses values of the wrong type (`invalid_option`), before anything is done with them. Absent ones pass. */
export function checkOptionTypes(options: object, types: { readonly [option: string]: OptionType }): void {
  checkIsOptions(options);
  for (const [option, type] of Object.entries(types)) {
    const given = (options as Record<string, unknown>)[option];
    if (given === undefined || (type === "signal" ? isSignal(given) : typeof given === type)) continue;
    throw new TsumugiError("invalid_option", { option, expected: expectations[type], given });
  }
}

/** Whether a value is an AbortSignal, also of another realm or library. */
export function isSignal(value: unknown): boolean {
  return typeof value === "object" && value !== null && "aborted" in value && "addEventListener" in value;
}
