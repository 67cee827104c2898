import { readFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { createPrecompiledNormalizer } from "./precompiled.ts";
import { TextGrowth } from "./text-growth.ts";
import { WordMemory } from "./word-memory.ts";

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

/** Megabytes of heap that calls leave behind: each is given a text of 2 million units of its own. */
function megabytesKept(use: (text: string, call: number) => void): number {
  const filling = "語".repeat(2_000_000);
  const once = (call: number) => use([String(call), filling].join(""), call);
  once(0);
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let call = 1; call <= 10; call++) once(call);
  collect();
  return (process.memoryUsage().heapUsed - before) / 2 ** 20;
}

test("remembered words do not keep the texts that they were cut from", () => {
  const words = new WordMemory({ tokenize: (word) => ({ ids: [word.length] }) }, false);
  const kept = megabytesKept((text) => {
    expect(words.tokens(text.slice(0, 40), false).ids).toEqual([40]);
    expect(words.tokens(text.slice(0, 50), true).ids).toEqual([50]);
  });
  expect(kept).toBeLessThan(8);
});

test("remembered graphemes do not keep the texts that they were cut from", () => {
  const file = new URL("../../test/fixtures/tokenizers-parts/precompiled.json", import.meta.url);
  const { normalize } = createPrecompiledNormalizer(JSON.parse(readFileSync(file, "utf8")).charsmap);
  const kept = megabytesKept((text, call) => {
    const marks = String.fromCharCode(0x300 + call).repeat(30);
    // A long text of one character is gone through quickly, as no replacement begins with it.
    expect(normalize([`㍿${marks}`, text].join(""), new TextGrowth("normalizer", 1e9)).length).toBeGreaterThan(2_000_000);
  });
  expect(kept).toBeLessThan(8);
});
