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

  it("keeps cached blocks until they are wanted, and counts them as available", () => {
    const pool = new BlockPool(3);
    const evicted: number[] = [];
    pool.setEvictor(() => {
      const id = [0, 1, 2].find((each) => pool.isEvictable(each)) as number;
      evicted.push(id);
      pool.uncache(id);
    });
    const [first, second] = [pool.allocate(), pool.allocate()];
    pool.cache(first);
    pool.cache(second);
    expect([pool.sharers(first), pool.references(first)]).toEqual([2, 1]);
    pool.release(first);
    expect([pool.free, pool.evictable, pool.available, pool.used]).toEqual([1, 1, 2, 1]);
    pool.checkIntegrity(Int32Array.of(0, 1, 0));
    pool.retain(first);
    expect([pool.evictable, pool.used]).toEqual([0, 2]);
    pool.release(first);
    expect([pool.allocate(), evicted]).toEqual([2, []]);
    expect([pool.allocate(), evicted, pool.available]).toEqual([first, [first], 0]);
    expect(() => pool.allocate()).toThrow("empty pool");
    pool.uncache(second);
    pool.release(second);
    expect([pool.free, pool.evictable]).toEqual([1, 0]);
    pool.checkIntegrity(Int32Array.of(1, 0, 1));
    expect(() => pool.uncache(second)).toThrow("KV block 1 is not cached");
    expect(() => pool.cache(second)).toThrow("not held");
  });
});
