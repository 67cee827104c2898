import { expect, test } from "vitest";
import { checkIsOptions, checkOptionTypes } from "./option-types.ts";

test.each([null, 5, "dtype", ["a"], new Int32Array(2), true, new Map([["a", 1]]), new Set([1])])(
  "%j is no options object",
  (given) => {
    expect(() => checkIsOptions(given)).toThrow(expect.objectContaining({ code: "invalid_input" }));
  },
);

test("an object, and nothing at all, pass", () => {
  for (const given of [undefined, {}, { a: 1 }]) expect(() => checkIsOptions(given)).not.toThrow();
});

test("types are checked by name; absent options pass", () => {
  const types = { a: "boolean", b: "string", c: "function", d: "signal" } as const;
  const good = { a: false, b: "", c: () => {}, d: AbortSignal.timeout(1e6) };
  expect(() => checkOptionTypes(good, types)).not.toThrow();
  expect(() => checkOptionTypes({ a: undefined }, types)).not.toThrow();
  for (const option of ["a", "b", "c", "d"])
    expect(() => checkOptionTypes({ ...good, [option]: 5 }, types)).toThrow(new RegExp(`\`${option}\` must be .* Given: 5`));
});
