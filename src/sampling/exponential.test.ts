import { describe, expect, it } from "vitest";
import { exponential, logarithm } from "./exponential.ts";

describe("functions of our own", () => {
  it("exponential is within 2 units of the last place of what the engine gives", () => {
    for (let x = -700; x < 5; x += 0.0137) expect(Math.abs(exponential(x) / Math.exp(x) - 1)).toBeLessThan(9e-16);
    expect([0, -Infinity, -800].map(exponential)).toEqual([1, 0, 0]);
    expect(exponential(Number.NaN)).toBeNaN();
  });

  it("exponential never falls where x grows, once it is rounded", () => {
    let last = 0;
    for (let x = -30; x <= 0; x += 0.00091) {
      const value = Math.fround(exponential(Math.fround(x)));
      expect(value).toBeGreaterThanOrEqual(last);
      last = value;
    }
  });

  it("logarithm is within 2 units of the last place of what the engine gives", () => {
    for (let x = 1e-40; x < 1e40; x *= 1.0173) {
      expect(Math.abs(logarithm(x) - Math.log(x))).toBeLessThan(4.5e-16 * Math.max(Math.abs(Math.log(x)), 0.1));
    }
    expect([1, 0, Infinity].map(logarithm)).toEqual([0, -Infinity, Infinity]);
    expect(logarithm(Number.NaN)).toBeNaN();
  });
});
