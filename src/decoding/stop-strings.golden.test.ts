import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { AutoTokenizer } from "../generate/auto-tokenizer.ts";
import { StopStrings } from "./stop-strings.ts";
import { createTokenBytes } from "./token-bytes.ts";

const fixtures = join(import.meta.dirname, "../../test/fixtures");
const golden = JSON.parse(readFileSync(join(fixtures, "decoding/stop-strings.json"), "utf8")) as {
  tokenizer: string;
  cases: { strings: string[]; prompt: number[]; tokens: number[]; done: boolean[] }[];
}[];

describe.each(golden)("$tokenizer stops where transformers stops", ({ tokenizer: name, cases }) => {
  test.each(cases)("$strings", async ({ strings, prompt, tokens, done }) => {
    const tokenizer = await AutoTokenizer.fromPretrained(join(fixtures, "tokenizers", name));
    const stops = new StopStrings(strings, createTokenBytes(tokenizer), prompt);
    expect(tokens.map((token) => stops.accept(token))).toEqual(done);
  });
});
