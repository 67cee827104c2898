import { expect, test } from "vitest";
import { camelCase, snakeCase } from "./letter-case.ts";

test.each([
  ["max_new_tokens", "maxNewTokens"],
  ["top_p", "topP"],
  ["load_in_4bit", "loadIn4bit"],
  ["rope_2_theta", "rope2Theta"],
  ["alreadyCamel", "alreadyCamel"],
])("camelCase turns %s into %s", (name, camel) => {
  expect(camelCase(name)).toBe(camel);
});

test("snakeCase turns noRepeatNgramSize into no_repeat_ngram_size", () => {
  expect(snakeCase("noRepeatNgramSize")).toBe("no_repeat_ngram_size");
});
