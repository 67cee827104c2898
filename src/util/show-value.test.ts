import { expect, test } from "vitest";
import { showValue } from "./show-value.ts";

class Config {
  bias = 1;
}
const cyclic: Record<string, unknown> = { a: 1 };
cyclic.self = cyclic;
const list: unknown[] = [1];
list.push(list);
const shared = { x: 1 };

test.each([
  ["5", '"5"'],
  [5, "5"],
  [Number.NaN, "NaN"],
  [-0, "0"],
  [5n, "5n"],
  [undefined, "undefined"],
  [null, "null"],
  [Symbol("s"), "Symbol(s)"],
  [[1, "a", [true, null]], '[1,"a",[true,null]]'],
  [{ a: { b: [1] } }, '{"a":{"b":[1]}}'],
  [Object.create(null), "{}"],
  [cyclic, '{"a":1,"self":(itself again)}'],
  [list, "[1,(itself again)]"],
  [{ a: shared, b: shared }, '{"a":{"x":1},"b":{"x":1}}'],
  [new Map([[1, 2]]), "a Map of 1"],
  [new Set(), "a Set of 0"],
  [new Date(0), "Date 1970-01-01T00:00:00.000Z"],
  [new Date(Number.NaN), "Date (invalid)"],
  [new Error("gone"), "Error: gone"],
  [Promise.resolve(), "a Promise"],
  [new AbortController(), "an AbortController"],
  [new Config(), "a Config"],
  [Int32Array.of(1, 2), "Int32Array [1,2]"],
  [new DataView(new ArrayBuffer(2)), "a DataView"],
  [function named() {}, "a function `named`"],
  [() => {}, "a function"],
])("%# is shown as %s", (value, expected) => {
  expect(showValue(value)).toBe(expected);
});

test("what is shown is bounded, and so is what is looked at", () => {
  let looks = 0;
  const watched = new Proxy(new Array<number>(1_000_000).fill(7), {
    get(target, key) {
      looks++;
      return Reflect.get(target, key) as unknown;
    },
  });
  for (const value of [watched, "x".repeat(1_000_000), { ["k".repeat(10_000)]: 1 }, [["y".repeat(500)]], 10n ** 5000n]) {
    expect(showValue(value).length).toBeLessThanOrEqual(201);
  }
  expect(looks).toBeLessThan(1000);
  let deep: unknown = 1;
  for (let level = 0; level < 100_000; level++) deep = [deep];
  expect(showValue(deep)).toBe("[[[[[…]]]]]");
});

test("a getter that throws hides its value, and nothing more", () => {
  const getter = {
    get broken() {
      throw new Error("never seen");
    },
    after: 1,
  };
  expect(showValue(getter)).toBe('{"broken":undefined,"after":1}');
});
