import { TsumugiError } from "../errors.ts";

/** Refuses a value that is not one of `allowed` (`invalid_option`). List `undefined` where the option may be absent. */
export function oneOf(option: string, given: unknown, allowed: readonly unknown[]): void {
  if (allowed.includes(given)) return;
  const named = allowed.filter((value) => value !== undefined);
  const expected = `one of ${named.map((value) => JSON.stringify(value)).join(", ")}`;
  throw new TsumugiError("invalid_option", { option, expected, given });
}
