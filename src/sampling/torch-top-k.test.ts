import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { torchTopK } from "./torch-top-k.ts";

interface Case {
  values: (number | "nan" | "-inf")[];
  k: number;
  indices: number[];
}

describe("torchTopK", () => {
  it("orders equal values as torch.topk does on the CPU", () => {
    const file = new URL("../../test/fixtures/decoding/top-k.json", import.meta.url);
    const cases = JSON.parse(readFileSync(file, "utf8")) as Case[];
    expect(cases.length).toBeGreaterThan(40);
    for (const { values, k, indices } of cases) {
      const numbers = Float32Array.from(values, (value) =>
        value === "nan" ? Number.NaN : value === "-inf" ? -Infinity : value,
      );
      expect([...torchTopK(numbers, k)], `${k} of ${values.length}`).toEqual(indices);
    }
  });

  it("gives no more than there are", () => {
    expect([...torchTopK(Float32Array.of(1, 3, 2), 9)]).toEqual([1, 2, 0]);
    expect(torchTopK(new Float32Array(0), 2).length).toBe(0);
  });
});
