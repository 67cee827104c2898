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
  [{ vocab: [] }, "`model.vocab` must be an object (a BPE model has a table of ids); given: []"],
  [{ vocab: [["a", 0]] }, "`model.vocab` must be an object"],
  [{ type: "WordLevel", unk_token: "a", vocab: [] }, "(a WordLevel model has a table of ids)"],
  [{ vocab: { a: -1 } }, '`model.vocab["a"]` must be a token id (a whole number from 0, below 2^31); given: -1'],
  [{ vocab: { a: "x" } }, '`model.vocab["a"]` must be a token id (a whole number from 0, below 2^31); given: "x"'],
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

const parts = (change: Record<string, unknown>) => {
  const model = { type: "WordLevel", vocab: { a: 0, "<unk>": 1 }, unk_token: "<unk>" };
  return createTokenizer({ tokenizerJson: { model, ...change } });
};

// what the Rust library refuses too
test.each([
  [{ pre_tokenizer: { type: "Metaspace", replacement: "" } }, '`pre_tokenizer.replacement` must be one character; given: ""'],
  [{ decoder: { type: "Metaspace", replacement: "▁▁" } }, '`decoder.replacement` must be one character; given: "▁▁"'],
  [
    { pre_tokenizer: { type: "Metaspace", replacement: "_", add_prefix_space: false, prepend_scheme: "always" } },
    '"never" where',
  ],
  [
    { pre_tokenizer: { type: "Split", behavior: "Isolated", invert: false } },
    "`pre_tokenizer.pattern` must be an object with one",
  ],
  [
    { pre_tokenizer: { type: "Split", pattern: { Regex: null }, behavior: "Isolated", invert: false } },
    "pattern.Regex` must be a string",
  ],
  [
    { pre_tokenizer: { type: "Split", pattern: { String: "a" }, behavior: "isolated", invert: false } },
    "behavior` must be one of",
  ],
  [{ normalizer: { type: "Replace", pattern: { String: "a" } } }, "`normalizer.content` must be a string; given: nothing"],
  [
    { normalizer: { type: "Sequence", normalizers: [{ type: "Strip", strip_left: 1, strip_right: true }] } },
    "normalizers[0].strip_left`",
  ],
  [
    { decoder: { type: "Strip", content: " ", start: -1, stop: 0 } },
    "`decoder.start` must be a whole number from 0; given: -1",
  ],
  [
    { post_processor: { type: "BertProcessing", sep: ["a", "1"], cls: ["a", 0] } },
    "`post_processor.sep[1]` must be a token id",
  ],
  [
    { model: { type: "Unigram", vocab: [["a", -1]], unk_id: 1 } },
    "`model.unk_id` must be below 1, the number of pieces; given: 1",
  ],
  [
    { model: { type: "Unigram", vocab: [["a".repeat(1025), -1]] } },
    'a piece of at most 1024 characters; given: "1025 characters"',
  ],
  [{ model: { type: "Unigram", vocab: [["a", null]] } }, '`model.vocab[0]` must be a piece and its score; given: ["a",null]'],
  [{ added_tokens: [{ id: 2, content: 5 }] }, "`added_tokens[0].content` must be a string; given: 5"],
  [{ added_tokens: [{ id: 2, content: "<s>", special: true }] }, "`added_tokens[0].single_word` must be"],
])("a part of a wrong type is refused at load: %j", (change, text) => {
  expect(() => parts(change)).toThrow(failure(text));
});

test.each([
  ["normalizer", "normalizers"],
  ["pre_tokenizer", "pretokenizers"],
  ["post_processor", "processors"],
  ["decoder", "decoders"],
])("%s: 62 sequences in each other load, thousands are refused", (part, list) => {
  const nested = (depth: number) => {
    let value: object = { type: "Sequence", [list]: [] };
    for (let i = 1; i < depth; i++) value = { type: "Sequence", [list]: [value] };
    return { [part]: value };
  };
  expect(parts(nested(62)).encode("a")).toEqual([0]);
  expect(() => parts(nested(65))).toThrow(failure("objects and lists deep"));
  expect(() => parts(nested(4000))).toThrow(failure("objects and lists deep"));
});

const unsupported = (text: string) =>
  expect.objectContaining({ code: "unsupported_tokenizer", message: expect.stringContaining(text) });

test("a row grows neither with the places of a text nor with special tokens without end", () => {
  const text = { Sequence: { id: "A", type_id: 0 } };
  const mark = { SpecialToken: { id: "<s>", type_id: 0 } };
  const row = (single: object[], ids = [0]) => {
    const special_tokens = { "<s>": { id: "<s>", ids, tokens: ids.map(() => "a") } };
    return parts({ post_processor: { type: "TemplateProcessing", single, pair: [text], special_tokens } }).encode("a");
  };
  expect(row(Array(16).fill(text))).toHaveLength(16);
  expect(() => row(Array(100_000).fill(text))).toThrow(unsupported("a row of more than 16 texts"));
  expect(row([...Array(4096).fill(mark), text])).toHaveLength(4097);
  expect(() => row([...Array(5000).fill(mark), text], Array(5000).fill(0))).toThrow(unsupported("4096 special tokens"));
});

test("added tokens may have 1024 characters", () => {
  const load = (length: number) =>
    parts({
      added_tokens: [
        {
          id: 2,
          content: "b".repeat(length),
          special: true,
          single_word: false,
          lstrip: false,
          rstrip: false,
          normalized: false,
        },
      ],
    });
  expect(load(1024).encode("b".repeat(1024))).toEqual([2]);
  expect(() => load(1025)).toThrow(unsupported("an added token of more than 1024 characters"));
});

test("names of Object's own members are tokens as any other", () => {
  const vocab = JSON.parse('{"__proto__":0,"constructor":1,"toString":2,"<unk>":3}');
  const tokenizer = createTokenizer({
    tokenizerJson: { model: { type: "WordLevel", vocab, unk_token: "<unk>" }, pre_tokenizer: { type: "WhitespaceSplit" } },
  });
  expect(tokenizer.encode("__proto__ constructor toString valueOf")).toEqual([0, 1, 2, 3]);
  expect(tokenizer.decode([0, 1, 2])).toBe("__proto__ constructor toString");
  expect(tokenizer.getVocab().has("hasOwnProperty")).toBe(false);
  expect(() => tokenizer.convertTokensToIds("hasOwnProperty")).toThrow("The token must be in the vocabulary");
});

test("a vocabulary takes memory by its tokens, not by its largest id", () => {
  const model = { type: "WordLevel", vocab: { a: 0, b: 2 ** 31 - 1, "<unk>": 5 }, unk_token: "<unk>" };
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false };
  const added = { id: 2 ** 30, content: "<s>", ...flags, special: true };
  const tokenizer = createTokenizer({
    tokenizerJson: { model, added_tokens: [added], pre_tokenizer: { type: "WhitespaceSplit" } },
  });
  expect(tokenizer.encode("a b c")).toEqual([0, 2 ** 31 - 1, 5]);
  expect(tokenizer.decode([2 ** 31 - 1, 0])).toBe("b a");
});

test("an error shows no more of a damaged value than its beginning, however deep or long it is", () => {
  const deep = JSON.parse(`${"[".repeat(100_000)}${"]".repeat(100_000)}`) as unknown;
  for (const eos_token of [deep, { __type: "AddedToken", content: deep }, { content: "x".repeat(100_000) }]) {
    const tokenizerConfig = { eos_token };
    expect(() => createTokenizer({ tokenizerJson: { model: { type: "BPE", vocab, merges: [] } }, tokenizerConfig })).toThrow(
      expect.objectContaining({ code: "invalid_tokenizer_file", message: expect.stringMatching(/^.{1,500}$/) }),
    );
  }
});
