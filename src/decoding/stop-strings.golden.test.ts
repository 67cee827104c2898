import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { AutoTokenizer } from "../generate/auto-tokenizer.ts";
import { createTokenizer } from "../tokenizer/index.ts";
import { StopStrings } from "./stop-strings.ts";
import { createTokenBytes } from "./token-bytes.ts";

const fixtures = join(import.meta.dirname, "../../test/fixtures");
interface Answers {
  /** A folder of test/fixtures/tokenizers, or the file itself. */
  tokenizer?: string;
  file?: { model: { type: string }; decoder: { type: string } | null };
  cases: { strings: string[]; prompt: number[]; tokens: number[]; done: boolean[] }[];
}

const golden: Answers[] = JSON.parse(readFileSync(join(fixtures, "decoding/stop-strings.json"), "utf8"));
const named = golden.map((each) => ({
  ...each,
  name: each.tokenizer ?? `a tiny ${each.file?.model.type} with decoder ${each.file?.decoder?.type}`,
}));

describe.each(named)("$name stops where transformers stops", ({ tokenizer: folder, file, cases }) => {
  test.each(cases)("$strings", async ({ strings, prompt, tokens, done }) => {
    const tokenizer = folder
      ? await AutoTokenizer.fromPretrained(join(fixtures, "tokenizers", folder))
      : createTokenizer({ tokenizerJson: file });
    const stops = new StopStrings(strings, createTokenBytes(tokenizer), prompt);
    expect(tokens.map((token) => stops.accept(token))).toEqual(done);
  });
});

test("a vocabulary without the letters of a word has the texts of its tokens too", () => {
  const model = { type: "WordLevel", vocab: { 猫: 0, 犬: 1, "<unk>": 2 }, unk_token: "<unk>" };
  const bytes = createTokenBytes(createTokenizer({ tokenizerJson: { model } }));
  expect(new TextDecoder().decode(bytes(1))).toBe(" 犬");
  const silent = createTokenBytes(createTokenizer({ tokenizerJson: { model: { ...model, vocab: { 猫: 0, 犬: 1 } } } }));
  expect(new TextDecoder().decode(silent(1))).toBe("犬");
});
