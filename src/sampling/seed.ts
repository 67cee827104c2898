import { z } from "zod";
import { expects, parseOption } from "../util/schemas.ts";

/** The schema of a seed of torch's generator. */
export const seed = expects(
  "a whole number from 0 to 4294967295",
  z
    .int()
    .min(0)
    .max(2 ** 32 - 1),
);

/** Checks that a seed is a whole number, 0 ≤ seed < 2³². */
export function checkSeed(value: unknown, option: string): number {
  return parseOption(seed, value, option);
}
