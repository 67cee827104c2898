import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { lookUp } from "./prompt-lookup.ts";

interface Lookup {
  tokens: number[];
  num: number;
  size: number;
  eos: number[];
  draft: number[];
}

test("300 random rows have transformers' drafts", () => {
  const golden = join(import.meta.dirname, "../../../test/fixtures/decoding/assisted.json");
  const { lookups } = JSON.parse(readFileSync(golden, "utf8")) as { lookups: Lookup[] };
  const ours = lookups.map(({ tokens, num, size, eos }) =>
    lookUp(tokens, { numTokens: num, maxMatchingNgramSize: size, eosTokenIds: new Set(eos) }),
  );
  expect(ours).toEqual(lookups.map(({ draft }) => draft));
  expect(ours.filter(({ length }) => length > 0).length).toBeGreaterThan(150);
  expect(ours.filter(({ length }) => length === 0).length).toBeGreaterThan(30);
});
