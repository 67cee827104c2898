import { expect, test } from "vitest";
import { endsWithin, joinBytes } from "./bytes.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

test("joinBytes puts the second string behind the first", () => {
  expect(joinBytes(bytes("ab"), bytes("c"))).toEqual(bytes("abc"));
});

test.each([
  ["abc", "bc", 1, true],
  ["abcd", "bc", 1, false],
  ["abcd", "bc", 2, true],
  ["c", "bc", 1, false],
  ["bcbc", "bc", 1, true],
])("endsWithin finds whether %s has %s with its end among the last %i bytes: %j", (whole, part, own, found) => {
  expect(endsWithin(bytes(whole), bytes(part), own)).toBe(found);
});
