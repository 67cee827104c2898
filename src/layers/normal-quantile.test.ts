import { expect, it } from "vitest";
import { normalQuantile } from "./normal-quantile.ts";

it("is torch's inverse of the normal distribution", () => {
  // torch.distributions.Normal(0, 1).icdf in float32
  const golden: [number, number][] = [
    [0.95, 1.64485359],
    [0.5, 0],
    [0.1, -1.2815516],
    [0.75, 0.674489737],
    [0.999, 3.09023619],
    [0.000123, -3.66640043],
    [0.99999, 4.26458788],
  ];
  for (const [part, want] of golden) expect(Math.abs(normalQuantile(part) - want)).toBeLessThanOrEqual(2e-6 * Math.abs(want));
});
