import { describe, expect, it } from "vitest";
import { alibiSlopes, alibiSlopesOfMpt } from "./alibi.ts";

describe("slopes of ALiBi", () => {
  it("are powers of two for a power of two of heads", () => {
    expect(alibiSlopes(8)).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((i) => 2 ** -i));
    expect(alibiSlopesOfMpt(4, 8)).toEqual([2 ** -2, 2 ** -4, 2 ** -6, 2 ** -8]);
    expect(alibiSlopesOfMpt(1, 8)).toEqual([2 ** -8]);
  });
  // from transformers' build_alibi_tensor and build_mpt_alibi_tensor
  it("fill up for other numbers of heads", () => {
    const close = (got: number[], want: number[]) => {
      expect(got).toHaveLength(want.length);
      got.forEach((slope, i) => {
        expect(Math.abs(slope / want[i]! - 1)).toBeLessThan(2e-7);
      });
    };
    close(alibiSlopes(6), [0.25, 0.0625, 0.015625, 0.00390625, 0.5, 0.125]);
    close(alibiSlopesOfMpt(6, 8), [0.25, 0.0625, 0.015625, 0.00390625, 0.5, 0.125]);
    close(alibiSlopesOfMpt(3, 6), [0.125, 0.015625, 0.35355338]);
  });
});
