import { invalidPattern, unsupportedPattern } from "./pattern-error.ts";
import type { PatternReader } from "./pattern-reader.ts";

/** How often something is repeated. `most` may be `Infinity`. */
export interface Repeat {
  least: number;
  most: number;
  how: "greedy" | "lazy" | "possessive";
}

const most = 100_000;
const signs: { readonly [sign: string]: [least: number, most: number] } = {
  "*": [0, Number.POSITIVE_INFINITY],
  "+": [1, Number.POSITIVE_INFINITY],
  "?": [0, 1],
};

/** Reads `*`, `+?`, `?+`, `{2,3}` and the like; `undefined` where nothing is repeated. */
export function readRepeat(reader: PatternReader): Repeat | undefined {
  const sign = reader.match(/([*+?])([+?]?)/y);
  if (sign) {
    const [least, most] = signs[sign[1]!]!;
    return { least, most, how: sign[2] === "+" ? "possessive" : sign[2] === "?" ? "lazy" : "greedy" };
  }
  // Braces of another form are characters.
  const interval = reader.match(/\{(?:(\d+)(,?)(\d*)|,(\d+))\}/y);
  if (!interval) return undefined;
  const [, from, comma, to, only] = interval;
  const least = Number(from ?? 0);
  const highest = only ?? (comma === "" ? from : to);
  const limit = highest === "" || highest === undefined ? Number.POSITIVE_INFINITY : Number(highest);
  if (least > most || (limit > most && limit !== Number.POSITIVE_INFINITY))
    throw invalidPattern(reader.pattern, `repeats something more than ${most} times`);
  if (limit < least) throw unsupportedPattern(reader.pattern, interval[0]);
  // In Ruby's syntax `{2}?` means "twice or not at all", and a plus behind braces repeats once more: both are read next.
  const lazy = (comma !== "" || only !== undefined) && reader.take("?");
  return { least, most: limit, how: lazy ? "lazy" : "greedy" };
}
