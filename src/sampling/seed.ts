import { TsumugiError } from "../errors.ts";

/** Checks a seed: a whole number, 0 ≤ seed < 2³². */
export function checkSeed(seed: unknown, option: string): number {
  if (typeof seed === "number" && Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32) return seed;
  throw new TsumugiError("invalid_option", { option, expected: "a whole number from 0 to 4294967295", given: seed });
}
