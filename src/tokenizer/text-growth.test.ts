import { expect, test } from "vitest";
import { createTokenizer } from "./index.ts";

const doubled = { type: "Replace", pattern: { String: "a" }, content: "aa" };
const doubledByRegex = { type: "Replace", pattern: { Regex: "a|b" }, content: "aa" };
const model = { type: "WordLevel", vocab: { a: 0, "<unk>": 1 }, unk_token: "<unk>" };
const make = (change: object) => createTokenizer({ tokenizerJson: { model, ...change } });
const outgrown = (part: string) =>
  expect.objectContaining({
    code: "text_outgrown",
    message: expect.stringContaining(`The \`${part}\` of tokenizer.json would make`),
  });

test.each([
  ["literal replacements", new Array(40).fill(doubled)],
  ["replacements by expressions", new Array(40).fill(doubledByRegex)],
  ["prepended text", new Array(40).fill({ type: "Prepend", prepend: "a".repeat(100_000) })],
])("a normalizer of %s is stopped before its text fills the memory", (_, normalizers) => {
  const tokenizer = make({ normalizer: { type: "Sequence", normalizers } });
  expect(() => tokenizer.encode("a")).toThrow(outgrown("normalizer"));
  expect(() => tokenizer("a", { returnOffsetsMapping: true })).toThrow(outgrown("normalizer"));
  expect(() => tokenizer.tokenize("a")).toThrow(outgrown("normalizer"));
});

test("many sections of a text share one bound", () => {
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  const added_tokens = [{ id: 2, content: "|", ...flags }];
  const tokenizer = make({ added_tokens, normalizer: { type: "Prepend", prepend: "b".repeat(900_000) } });
  expect(tokenizer.encode("a")).toEqual([1]);
  expect(() => tokenizer.encode("a|a|a")).toThrow(outgrown("normalizer"));
});

test.each([
  ["tokens", new Array(40).fill(doubled)],
  ["joined text", [{ type: "Fuse" }, ...new Array(40).fill(doubled)]],
  ["joined text by expressions", [{ type: "Fuse" }, ...new Array(40).fill(doubledByRegex)]],
])("a decoder that lets %s grow is stopped", (_, decoders) => {
  const tokenizer = make({ decoder: { type: "Sequence", decoders } });
  expect(() => tokenizer.decode([0])).toThrow(outgrown("decoder"));
});

test("texts grow as far as Unicode has it", () => {
  const tokenizer = make({ normalizer: { type: "NFKC" }, pre_tokenizer: { type: "WhitespaceSplit" } });
  expect(tokenizer.encode("\ufdfa".repeat(100_000)).length).toBe(300_001);
});

test("a decoder's pattern is refused at load", () => {
  const decoder = { type: "Replace", pattern: { Regex: "(a" }, content: "" };
  expect(() => make({ decoder })).toThrow(expect.objectContaining({ code: "invalid_tokenizer_file" }));
});
