import { expect, test } from "vitest";
import { convertByteLevel } from "./convert-byte-level.ts";
import { createTokenizer } from "./index.ts";

const vocab = { a: 0, b: 1, ab: 2, "##b": 3 };

function load(model: Record<string, unknown>) {
  return createTokenizer({ tokenizerJson: { model: { type: "BPE", vocab, merges: ["a b"], ...model } } });
}

const failure = (text: string) =>
  expect.objectContaining({ code: "invalid_tokenizer_file", message: expect.stringContaining(text) });

// what the Rust library refuses too
test.each([
  [{ vocab: [] }, "`model.vocab` is a list, but a BPE model has a table of ids"],
  [{ vocab: [["a", 0]] }, "`model.vocab` is a list"],
  [{ type: "WordLevel", vocab: [] }, "but a WordLevel model has"],
  [{ vocab: { a: -1 } }, 'gives the token "a" the id -1'],
  [{ vocab: { a: "x" } }, 'gives the token "a" the id "x"'],
  [{ merges: ["a b", "a b c"] }, '`model.merges[1]`, "a b c", is not a pair of tokens'],
  [{ merges: ["a"] }, "is not a pair"],
  [{ merges: [5] }, "is not a pair"],
  [{ merges: [["a", "b", "c"]] }, "is not a pair"],
  [{ merges: [["zz", "qq!"]] }, '`model.merges[0]`, ["zz","qq!"], needs the token "zz", which `model.vocab` lacks'],
  [{ merges: ["a ##b"] }, 'needs the token "a##b"'],
  [{ merges: ["b a"] }, 'needs the token "ba"'],
])("a damaged tokenizer.json is refused by the entry: %j", (model, text) => {
  expect(() => load(model)).toThrow(failure(text));
});

test("what the Rust library reads is read", () => {
  expect(load({}).encode("ab")).toEqual([2]);
  expect(load({ merges: ["#version: 0.2", "a b"] }).encode("ab")).toEqual([2]);
  expect(load({ merges: ["a ##b"], continuing_subword_prefix: "##" }).encode("ab")).toEqual([2]);
});

test("merges.txt is held to vocab.json", () => {
  const convert = (merges: string) => convertByteLevel(vocab, merges, "GPT2Tokenizer", {});
  expect(() => convert("#version: 0.2\na b\nb a\n")).toThrow(failure('merge 2, "b a", needs the token "ba"'));
  expect(() => convert("#version: 0.2\na b\n")).not.toThrow();
});
