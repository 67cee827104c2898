import { describe, expect, it } from "vitest";
import { roundTo, roundToBfloat16, roundToFloat16, toFloat32 } from "./convert.ts";

const bytes16 = (...words: number[]) => new Uint8Array(Uint16Array.from(words).buffer);

describe("toFloat32", () => {
  it.each<[string, Parameters<typeof toFloat32>[1], Uint8Array, number[]]>([
    ["bfloat16", "bfloat16", bytes16(0x3f80, 0xc049, 0x0000, 0x7f80), [1, -3.140625, 0, Number.POSITIVE_INFINITY]],
    ["float16", "float16", bytes16(0x3c00, 0xc248, 0x0001, 0x7bff), [1, -3.140625, 2 ** -24, 65504]],
    ["float16 infinities", "float16", bytes16(0x7c00, 0xfc00), [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]],
    ["float64", "float64", new Uint8Array(Float64Array.of(0.1, -2).buffer), [Math.fround(0.1), -2]],
    ["float8_e4m3fn", "float8_e4m3fn", Uint8Array.of(0x38, 0xc0, 0x01, 0x7e), [1, -2, 2 ** -9, 448]],
    ["float8_e4m3fnuz", "float8_e4m3fnuz", Uint8Array.of(0x40, 0xc8, 0x01, 0x7f, 0x80), [1, -2, 2 ** -10, 240, Number.NaN]],
    ["float8_e5m2fnuz", "float8_e5m2fnuz", Uint8Array.of(0x40, 0xc4, 0x01, 0x7f, 0x80), [1, -2, 2 ** -17, 57344, Number.NaN]],
    ["float8_e5m2", "float8_e5m2", Uint8Array.of(0x3c, 0xc0, 0x01, 0x7b), [1, -2, 2 ** -16, 57344]],
  ])("reads %s", (_, dtype, bytes, values) => {
    expect([...toFloat32(bytes, dtype)]).toEqual(values);
  });

  it("reads float32 at any alignment", () => {
    const bytes = new Uint8Array(9);
    bytes.set(new Uint8Array(Float32Array.of(1.5, -2.25).buffer), 1);
    expect([...toFloat32(bytes.subarray(1), "float32")]).toEqual([1.5, -2.25]);
  });

  it("refuses integers", () => {
    expect(() => toFloat32(new Uint8Array(4), "int32")).toThrow(/int32/);
  });
});

describe("rounding", () => {
  it("rounds to bfloat16, ties to even", () => {
    expect([1 + 2 ** -8, 1 + 3 * 2 ** -8, 1 + 2 ** -8 + 2 ** -20, -1 - 2 ** -9].map(roundToBfloat16)).toEqual([
      1,
      1 + 2 ** -6,
      1 + 2 ** -7,
      -1,
    ]);
    expect(roundToBfloat16(Number.NaN)).toBeNaN();
    expect(roundToBfloat16(3.4e38)).toBe(Number.POSITIVE_INFINITY);
  });

  it("rounds to float16, ties to even, with subnormals and overflow", () => {
    expect(
      [1 + 2 ** -11, 1 + 3 * 2 ** -11, 65519, 65520, -65520, 2 ** -25, 1.5 * 2 ** -24, 2 ** -14 - 2 ** -26].map(roundToFloat16),
    ).toEqual([1, 1 + 2 ** -9, 65504, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 2 ** -23, 2 ** -14]);
    expect(roundToFloat16(0)).toBe(0);
  });

  it("leaves every float16 as it is", () => {
    const words = Uint16Array.from({ length: 0x7c00 }, (_, i) => i);
    const values = toFloat32(new Uint8Array(words.buffer), "float16");
    expect(roundTo(values.slice(), "float16")).toEqual(values);
  });
});
