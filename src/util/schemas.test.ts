import { describe, expect, test } from "vitest";
import { z } from "zod";
import { boolean, choice, expects, fields, idSequence, number, parseOption, texts, tokenIds, whole } from "./schemas.ts";

const settings = fields({
  share: number("a number from 0 to 1", { minimum: 0, maximum: 1 }).default(0.5),
  lastN: whole(0).default(2),
  kind: choice(["one", "two"]).default("one"),
});
const nested = expects("a list of lists of token ids, not empty", z.array(idSequence).min(1));

describe("parseOption gives", () => {
  test("values, in the form that the schema makes of them", () => {
    expect(parseOption(tokenIds, 5, "x")).toEqual([5]);
    expect(parseOption(texts, "a", "x")).toEqual(["a"]);
    expect(parseOption(number("a number", { above: 0, below: 1 }), 0.5, "x")).toBe(0.5);
  });

  test("objects with defaults, from names in camelCase or snake_case; null is absent", () => {
    expect(parseOption(settings, {}, "x")).toEqual({ share: 0.5, lastN: 2, kind: "one" });
    expect(parseOption(settings, { last_n: 7, share: null, kind: undefined }, "x")).toEqual({
      share: 0.5,
      lastN: 7,
      kind: "one",
    });
    expect(parseOption(settings, { lastN: 7, kind: "two" }, "x")).toEqual({ share: 0.5, lastN: 7, kind: "two" });
  });
});

test.each<[string, z.ZodType, unknown, string]>([
  ["a number out of bounds", number("a number above 0", { above: 0 }), 0, "`x` must be a number above 0. Given: 0."],
  ["no number", number("a number"), Number.NaN, "`x` must be a number. Given: NaN."],
  ["a fraction", whole(1), 1.5, "`x` must be a whole number of at least 1. Given: 1.5."],
  ["another type", boolean, 1, "`x` must be true or false. Given: 1."],
  ["no choice", choice(["one", "two"]), "three", '`x` must be one of "one", "two". Given: "three".'],
  ["a field's value", settings, { share: 2 }, "`x.share` must be a number from 0 to 1. Given: 2."],
  ["a field's value, in snake_case", settings, { last_n: -1 }, "`x.lastN` must be a whole number of at least 0. Given: -1."],
  ["an unknown field", settings, { shade: 2 }, '`x` must be an object with only share, lastN, kind. Given: "shade".'],
  ["no object", settings, 3, "`x` must be an object with `share`, `lastN`, `kind`. Given: 3."],
  ["an empty list", nested, [], "`x` must be a list of lists of token ids, not empty. Given: []."],
  ["an empty inner list", nested, [[1], []], "`x` must be made of lists of token ids, none of them empty. Given: []."],
])("parseOption refuses %s, saying what it must be and what was given", (_, schema, value, message) => {
  expect(() => parseOption(schema, value, "x")).toThrow(message);
});
