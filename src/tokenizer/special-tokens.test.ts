import { expect, test } from "vitest";
import { TsumugiError } from "../errors.ts";
import { createTokenizer, IncrementalDecoder, type TokenizerFiles } from "./index.ts";

const letters = [..."abcdefghij<>/ "];
const vocab = Object.fromEntries(letters.map((letter, id) => [letter, id]));
const size = letters.length;

/** An added token of a tokenizer.json, plain unless flags say otherwise. */
const token = (content: string, id: number, flags: Record<string, boolean> = {}) => ({
  ...{ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: false },
  ...flags,
});

/** A tokenizer of single letters with added tokens, beside other files. */
function load(added: object[], files: Partial<TokenizerFiles> = {}, json: Record<string, unknown> = {}) {
  const model = { type: "BPE", vocab, merges: [] };
  return createTokenizer({ tokenizerJson: { model, added_tokens: added, decoder: { type: "Fuse" }, ...json }, ...files });
}

function failure(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (TsumugiError.isInstance(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "nothing was thrown";
}

const skip = { skipSpecialTokens: true };

test.each([
  [{ eos_token: "<e>" }],
  [{ pad_token: "<e>" }],
  [{ mask_token: { __type: "AddedToken", content: "<e>", special: false } }],
  [{ image_token: "<e>" }],
  [{ extra_special_tokens: { video_token: "<e>" } }],
  [{ model_specific_special_tokens: { video_token: "<e>" } }],
  [{ eos_token: "<e>", added_tokens_decoder: { [size]: { content: "<e>", special: false } } }],
])("a token that tokenizer_config.json names is special though tokenizer.json calls it plain: %j", (tokenizerConfig) => {
  const tokenizer = load([token("<e>", size)], { tokenizerConfig });
  expect(tokenizer.encode("a<e>")).toEqual([0, size]);
  expect([tokenizer.decode([size, 0]), tokenizer.decode([size, 0], skip)]).toEqual(["<e>a", "a"]);
  const stream = new IncrementalDecoder(tokenizer, skip);
  expect(stream.push(size) + stream.push(0) + stream.end()).toBe("a");
});

test("special_tokens_map.json names tokens too, but not beside added_tokens_decoder", () => {
  const specialTokensMap = { eos_token: { content: "<e>", lstrip: false }, pad_token: "<p>" };
  const alone = load([token("<e>", size)], { specialTokensMap, tokenizerConfig: { eos_token: "a" } });
  expect([alone.eosTokenId, alone.padTokenId, alone.decode([size, 0], skip)]).toEqual([size, size + 1, "a"]);
  const beside = load([token("<e>", size)], { specialTokensMap, tokenizerConfig: { added_tokens_decoder: {} } });
  expect([beside.eosTokenId, beside.padTokenId, beside.decode([size, 0], skip)]).toEqual([undefined, undefined, "<e>a"]);
});

test("an extra special token is what the file that has it says, and special where none has it", () => {
  for (const name of ["extra_special_tokens", "additional_special_tokens"]) {
    const tokenizer = load([token("<e>", size)], { tokenizerConfig: { [name]: ["<e>", "<n>"] } });
    expect(tokenizer.extraSpecialTokens).toEqual(["<e>", "<n>"]);
    expect(tokenizer.decode([size, size + 1, 0], skip)).toBe("<e>a");
  }
});

test("a token that was special once stays special", () => {
  const decoder = { added_tokens_decoder: { 0: { content: "<e>", special: false } } };
  const tokenizer = load([token("<e>", size, { special: true })], { tokenizerConfig: decoder });
  expect(tokenizer.decode([size, 0], skip)).toBe("a");
});

test("names of a model alone are in the map that templates see, behind the usual ones", () => {
  const tokenizer = load([], { tokenizerConfig: { image_token: "<i>", eos_token: "a", extra_special_tokens: ["b"] } });
  expect(Object.entries(tokenizer.specialTokensMap)).toEqual([
    ["eos_token", "a"],
    ["image_token", "<i>"],
  ]);
  expect(tokenizer.allSpecialTokens).toEqual(["a", "<i>", "b"]);
  expect(tokenizer.allSpecialIds).toEqual([0, size, 1]);
});

test("added_tokens.json is read beside a configuration without added_tokens_decoder", () => {
  const addedTokens = { "<r>": size + 1, "<q>": size, "<e>": size + 2 };
  const tokenizer = load([], { addedTokens, tokenizerConfig: { eos_token: "<e>" } });
  expect(tokenizer.encode("a<q>b<r><e>")).toEqual([0, size, 1, size + 1, size + 2]);
  expect(tokenizer.decode([size, size + 1, size + 2], skip)).toBe("<q><r>");
  const decoder = { added_tokens_decoder: { [size]: { content: "<d>" } } };
  const beside = load([], { addedTokens, tokenizerConfig: decoder });
  expect(beside.encode("<d><q>")).toEqual([size, 10, ...beside.encode("q>")]);
});

test("added tokens get the library's ids: in the file's order, behind the vocabulary", () => {
  const gap = load([token("<x>", size + 5), token("<y>", size + 9)]);
  expect(gap.encode("<x><y>")).toEqual([size, size + 1]);
  const turned = load([token("<y>", size + 1), token("<x>", size)]);
  expect([turned.encode("<x><y>"), turned.decode([size])]).toEqual([[size + 1, size], "<y>"]);
  const known = load([token("ab", 3), token("a", 7)]);
  expect([known.encode("aab"), known.length]).toEqual([[0, size], size + 1]);
  const later = load([], { tokenizerConfig: { added_tokens_decoder: { 90: { content: "<z>" }, 70: { content: "<y>" } } } });
  expect(later.encode("<y><z>")).toEqual([size, size + 1]);
});

test("split_special_tokens leaves special tokens to the model, in the file or in a call", () => {
  const added = [token("<e>", size, { special: true, lstrip: true }), token("<n>", size + 1)];
  const file = load(added, { tokenizerConfig: { split_special_tokens: true } });
  const split = [0, 13, 10, 4, 11, size + 1];
  expect(file.encode("a <e><n>")).toEqual(split);
  expect(file.encode("a <e><n>", { splitSpecialTokens: false })).toEqual([0, size, size + 1]);
  const call = load(added);
  expect(call.encode("a <e><n>")).toEqual([0, size, size + 1]);
  expect(call("a <e><n>", { splitSpecialTokens: true, returnOffsetsMapping: true }).offsetMapping[1]).toEqual([1, 2]);
  expect(call.tokenize("<e>", { splitSpecialTokens: true })).toEqual(["<", "e", ">"]);
});

test("a token in the white space that the one before it took is found, and the two overlap", () => {
  const added = [token("<a>", size, { rstrip: true }), token(" <b>", size + 1), token("  ", size + 2)];
  const tokenizer = load(added);
  const offsets = (text: string) => tokenizer(text, { returnOffsetsMapping: true });
  expect(offsets("c<a> <b>d")).toMatchObject({
    inputIds: [2, size, size + 1, 3],
    offsetMapping: [
      [0, 1],
      [1, 5],
      [4, 8],
      [8, 9],
    ],
  });
  expect(offsets("<a>   c")).toMatchObject({ inputIds: [size, size + 2, 13, 2] });
});

test("white space that many tokens could take is read once", () => {
  const tokenizer = load([token(" ", size, { rstrip: true })]);
  const started = performance.now();
  expect(tokenizer.encode(" ".repeat(200_000))).toHaveLength(200_000);
  expect(performance.now() - started).toBeLessThan(20_000);
});

test("tokenize gives the text that a token took", () => {
  const strips = { lstrip: true, rstrip: true };
  const tokenizer = load([token("<s>", size, strips), token("<e>", size + 1, strips)]);
  expect(tokenizer.tokenize("  <s> <e>  a")).toEqual(["  <s> ", "<e>  ", "a"]);
  const unigram = { type: "Unigram", unk_id: 0, vocab: [["<unk>", 0] as const, ["a", -1] as const] };
  const pieces = load([], {}, { model: unigram });
  expect(pieces.tokenize("axyza")).toEqual(["a", "xyz", "a"]);
  expect(pieces.encode("axyza")).toEqual([1, 0, 1]);
});

test("a normalised token decodes to its normalised form, and is special in that form alone", () => {
  const named = { tokenizerConfig: { eos_token: "<E>" } };
  const tokenizer = load([token("<E>", size, { normalized: true, special: true })], named, {
    normalizer: { type: "Lowercase" },
  });
  expect(tokenizer.encode("A<e>")).toEqual([0, size]);
  expect([tokenizer.decode([size, 0]), tokenizer.decode([size, 0], skip)]).toEqual(["<e>a", "<e>a"]);
  expect(tokenizer.convertIdsToTokens(size)).toBe("<e>");
});

test("max_len is the older name of model_max_length", () => {
  const length = (tokenizerConfig: object) => load([], { tokenizerConfig }).modelMaxLength;
  expect(load([], { tokenizerConfig: { max_len: 3 } }).encode("abcdef", { truncation: true })).toEqual([0, 1, 2]);
  expect([length({ max_len: 3, model_max_length: 4 }), length({ model_max_length: 1e30 })]).toEqual([
    4,
    Number.POSITIVE_INFINITY,
  ]);
  expect(length({ max_len: 3, model_max_length: null })).toBe(Number.POSITIVE_INFINITY);
  const negative = load([], { tokenizerConfig: { max_len: -1 } });
  expect(negative.encode("ab")).toEqual([0, 1]);
  expect(failure(() => negative.encode("ab", { truncation: true }))).toBe(
    "invalid_option: Option `modelMaxLength` must be a whole number of tokens to truncate by it, or Infinity. Given: -1.",
  );
});

test.each([
  [{ eos_token: { content: "a" } }, "`eos_token` is neither a text nor an added token"],
  [{ extra_special_tokens: [5] }, "`extra_special_tokens[0]` is neither a text nor an added token"],
  [{ extra_special_tokens: "a" }, "`extra_special_tokens` is neither a list nor a table of tokens"],
  [{ added_tokens_decoder: { 3: "a" } }, "`added_tokens_decoder.3` is no token with its `content`"],
  [{ added_tokens_decoder: { 3: { content: "a", lstrip: 1 } } }, "has a `lstrip` that is not true or false. Given: 1"],
  [{ padding_side: "Left" }, '`padding_side` must be "left" or "right". Given: "Left"'],
  [{ model_max_length: "512" }, "`model_max_length` must be a number of tokens"],
  [{ split_special_tokens: "yes" }, "`split_special_tokens` must be true or false"],
])("a configuration that Python cannot read is refused by its entry: %j", (tokenizerConfig, text) => {
  expect(failure(() => load([], { tokenizerConfig }))).toContain(text);
});
