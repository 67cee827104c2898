import { describe, expect, it } from "vitest";
import { BlockPool } from "./block-pool.ts";

describe("BlockPool", () => {
  it("hands out every block once and takes it back after its last release", () => {
    const pool = new BlockPool(3);
    expect([pool.allocate(), pool.allocate(), pool.allocate()]).toEqual([0, 1, 2]);
    expect([pool.used, pool.free]).toEqual([3, 0]);
    pool.retain(1);
    pool.release(1);
    expect([pool.references(1), pool.free]).toEqual([1, 0]);
    pool.release(1);
    expect([pool.free, pool.allocate()]).toEqual([1, 1]);
    pool.checkIntegrity(Int32Array.of(1, 1, 1));
  });

  it("refuses what would break the books", () => {
    const pool = new BlockPool(1);
    expect(() => pool.release(0)).toThrow("KV block 0 is not held by anybody");
    expect(() => pool.retain(7)).toThrow("KV block 7 is not held");
    pool.allocate();
    expect(() => pool.allocate()).toThrow("empty pool");
    expect(() => pool.checkIntegrity(Int32Array.of(2))).toThrow("1 references, its holders count 2");
    expect(() => new BlockPool(0)).toThrow(expect.objectContaining({ code: "invalid_option" }));
  });
});
