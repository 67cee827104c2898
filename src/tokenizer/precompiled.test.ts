import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { createTokenizer } from "./index.ts";
import { createPrecompiledNormalizer } from "./precompiled.ts";
import { TextGrowth } from "./text-growth.ts";

const golden: { charsmap: string; cases: [string, string][] } = JSON.parse(
  readFileSync(new URL("../../test/fixtures/tokenizers-parts/precompiled.json", import.meta.url), "utf8"),
);

test("Precompiled normalises as the tokenizers library does", () => {
  const { normalize } = createPrecompiledNormalizer(golden.charsmap);
  expect(golden.cases.some(([text, normalized]) => text !== normalized)).toBe(true);
  for (const [text, normalized] of golden.cases)
    expect(normalize(text, new TextGrowth("normalizer", text.length)), text).toBe(normalized);
});

test("a tokenizer uses it, also within a sequence", () => {
  const normalizer = { type: "Sequence", normalizers: [{ type: "Precompiled", precompiled_charsmap: golden.charsmap }] };
  const model = { type: "WordLevel", vocab: { "[UNK]": 0, 株式会社: 1 }, unk_token: "[UNK]" };
  expect(createTokenizer({ tokenizerJson: { model, normalizer } }).encode("㍿")).toEqual([1]);
});

test("a table that is cut short is refused", () => {
  expect(() => createPrecompiledNormalizer(golden.charsmap.slice(0, 8))).toThrow(/precompiled_charsmap/);
});
