import { describe, expect, it } from "vitest";
import { type Lifetime, placeBuffers } from "./arena.ts";

describe("placeBuffers", () => {
  it("gives buffers that do not live together the same place", () => {
    const { offsets, bytes } = placeBuffers([
      { bytes: 100, first: 0, last: 1 },
      { bytes: 100, first: 2, last: 3 },
      { bytes: 10, first: 1, last: 2 },
    ]);
    expect(offsets).toEqual([0, 0, 128]);
    expect(bytes).toBe(192);
  });

  it("keeps buffers apart while both live, whatever the pattern", () => {
    let state = 7;
    const next = (below: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state % below;
    };
    for (let round = 0; round < 50; round++) {
      const lifetimes: Lifetime[] = Array.from({ length: 30 }, () => {
        const first = next(40);
        return { bytes: 1 + next(5000), first, last: first + next(8) };
      });
      const { offsets, bytes } = placeBuffers(lifetimes);
      for (const [i, a] of lifetimes.entries()) {
        expect(offsets[i]! % 64).toBe(0);
        expect(offsets[i]! + a.bytes).toBeLessThanOrEqual(bytes);
        for (const [j, b] of lifetimes.entries()) {
          if (i === j || a.last < b.first || b.last < a.first) continue;
          const apart = offsets[i]! + a.bytes <= offsets[j]! || offsets[j]! + b.bytes <= offsets[i]!;
          expect(apart, `${i} and ${j}`).toBe(true);
        }
      }
    }
  });
});
