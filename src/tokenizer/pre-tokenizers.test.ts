import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { preTokenize, preTokenizerSteps } from "./pre-tokenizers.ts";

interface Golden {
  texts: string[];
  cases: { config: { type: string }; words: string[][] }[];
}

const golden: Golden = JSON.parse(
  readFileSync(new URL("../../test/fixtures/tokenizers-parts/pre-tokenizers.json", import.meta.url), "utf8"),
);

test("pre-tokenizers cut texts as the tokenizers library does", () => {
  expect(golden.cases.length).toBeGreaterThan(60);
  for (const { config, words } of golden.cases) {
    const steps = preTokenizerSteps(config);
    for (const [i, text] of golden.texts.entries()) {
      const got = text === "" ? [] : preTokenize(steps, text, true);
      expect(got, `${JSON.stringify(config)} ${JSON.stringify(text)}`).toEqual(words[i]);
    }
  }
});
