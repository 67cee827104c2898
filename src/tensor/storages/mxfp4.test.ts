import { describe, expect, it } from "vitest";
import { fromMxfp4 } from "./mxfp4.ts";

describe("fromMxfp4", () => {
  it("reads the low half of a byte first, and scales 32 values by one exponent", () => {
    const blocks = new Uint8Array(32);
    blocks.set([0x10, 0x32, 0x54, 0x76, 0x98, 0xba, 0xdc, 0xfe]);
    blocks.set([0x71], 16);
    const values = fromMxfp4(blocks, Uint8Array.of(127, 125));
    expect([...values.slice(0, 16)]).toEqual([0, 0.5, 1, 1.5, 2, 3, 4, 6, -0, -0.5, -1, -1.5, -2, -3, -4, -6]);
    expect([...values.slice(32, 34)]).toEqual([0.125, 1.5]);
    expect(values).toHaveLength(64);
  });
});
