import { expect, test } from "vitest";
import { philox4x32, philoxWords } from "./philox.ts";

// Random123, tests/kat_vectors: philox4x32 with 10 rounds
test.each([
  [[0, 0, 0, 0], [0, 0], "6627e8d5 e169c58d bc57ac4c 9b00dbd8"],
  [[-1, -1, -1, -1], [-1, -1], "408f276d 41c83b0e a20bc7c6 6d5451fd"],
  [[0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0], "d16cfe09 94fdcceb 5001e420 24126ea1"],
])("philox4x32 gives the known answer for counter %j and key %j", (counter, [key0, key1], expected) => {
  const out = new Int32Array(4);
  philox4x32(Int32Array.from(counter), key0! | 0, key1! | 0, out);
  expect(Array.from(out, (word) => (word >>> 0).toString(16).padStart(8, "0")).join(" ")).toBe(expected);
});

test("philoxWords numbers the words of one seed and position", () => {
  const word = philoxWords(2 ** 53 - 1, 2 ** 40 + 5);
  const out = new Int32Array(4);
  philox4x32(Int32Array.of(3, 0, 5, 2 ** 8), -1, 2 ** 21 - 1, out);
  expect([12, 13, 14, 15].map(word)).toEqual(Array.from(out, (value) => value >>> 0));
  philox4x32(Int32Array.of(1, 1, 5, 2 ** 8), -1, 2 ** 21 - 1, out);
  expect(word(4 * (2 ** 32 + 1) + 2)).toBe(out[2]! >>> 0);
  expect(word(13)).toBe(philoxWords(2 ** 53 - 1, 2 ** 40 + 5)(13));
});
