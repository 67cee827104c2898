import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { TsumugiError } from "../errors.ts";
import { createTokenizer, type Encoding, type Tokenizer } from "./index.ts";

const read = (name: string, file: string): Record<string, unknown> =>
  JSON.parse(readFileSync(new URL(`../../test/fixtures/tokenizers/${name}/${file}`, import.meta.url), "utf8"));

function load(name: string, config: Record<string, unknown> = {}, options = {}): Tokenizer {
  const tokenizerConfig = { ...read(name, "tokenizer_config.json"), ...config };
  return createTokenizer({ tokenizerJson: read(name, "tokenizer.json"), tokenizerConfig }, options);
}

/** The code and message of the error that a call throws. */
function failure(call: () => unknown): { code: string; message: string } {
  try {
    call();
  } catch (error) {
    if (TsumugiError.isInstance(error)) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error("nothing was thrown");
}

test("one string gives one row, a list gives rows", () => {
  const tokenizer = load("byte-level");
  const one: Encoding = tokenizer("Hello");
  expect(one.inputIds.every((id) => typeof id === "number")).toBe(true);
  expect(tokenizer(["Hello"])).toEqual({ inputIds: [one.inputIds], attentionMask: [one.attentionMask] });
  expect(tokenizer([])).toEqual({ inputIds: [], attentionMask: [] });
});

test("special tokens can be read and set", () => {
  const tokenizer = load("llama");
  expect([tokenizer.bosToken, tokenizer.bosTokenId, tokenizer.eosToken, tokenizer.eosTokenId]).toEqual(["<s>", 1, "</s>", 2]);
  expect([tokenizer.padToken, tokenizer.padTokenId]).toEqual([undefined, undefined]);
  expect(failure(() => tokenizer(["a", "b c d"], { padding: true })).code).toBe("missing_pad_token");
  tokenizer.padToken = tokenizer.eosToken;
  expect(tokenizer.padTokenId).toBe(2);
  expect(tokenizer(["a", "a dragon"], { padding: true, paddingSide: "left" }).attentionMask[0]?.[0]).toBe(0);
  expect(tokenizer.specialTokensMap).toEqual({ bos_token: "<s>", eos_token: "</s>", unk_token: "<unk>", pad_token: "</s>" });
  expect(tokenizer.allSpecialIds).toEqual([1, 2, 0]);
  expect(failure(() => Object.assign(tokenizer, { padToken: "<nowhere>" })).code).toBe("invalid_option");
});

test("an explicit addEosToken takes the post-processor's place, tokenizer_config.json's does not", () => {
  const plain = load("llama").encode("a");
  expect(plain[0]).toBe(1);
  expect(load("llama", { add_eos_token: true }).encode("a")).toEqual(plain);
  expect(load("llama", {}, { addBosToken: true, addEosToken: true }).encode("a")).toEqual([...plain, 2]);
  expect(load("llama", {}, { addEosToken: true }).encode("a")).toEqual([...plain.slice(1), 2]);
});

test("special tokens that are missing are added behind the vocabulary", () => {
  const tokenizer = load("llama", { pad_token: "<pad>", additional_special_tokens: ["<|a|>"] });
  expect(tokenizer.vocabSize).toBe(600);
  expect(tokenizer.length).toBe(602);
  expect([tokenizer.padTokenId, tokenizer.convertTokensToIds("<|a|>")]).toEqual([600, 601]);
  expect(tokenizer.encode("<|a|>", { addSpecialTokens: false })).toEqual([601]);
  expect(tokenizer.decode([601], { skipSpecialTokens: true })).toBe("");
});

test("pairs, conversions and the function's own names", () => {
  const tokenizer = load("wordpiece");
  const { inputIds } = tokenizer("cat", { textPair: "dog" });
  expect(tokenizer.convertIdsToTokens(inputIds).filter((token) => token === "[SEP]")).toHaveLength(2);
  // an empty second text of a single text is none, as in Python; in a list it is a text
  expect(tokenizer("cat", { textPair: "" })).toEqual(tokenizer("cat"));
  expect(tokenizer.convertIdsToTokens(tokenizer(["cat"], { textPair: [""] }).inputIds[0]!)).toEqual([
    "[CLS]",
    "cat",
    "[SEP]",
    "[SEP]",
  ]);
  expect(tokenizer.convertTokensToIds("zzzzz")).toBe(tokenizer.unkTokenId);
  expect(failure(() => load("byte-level").convertTokensToIds(["zzzzzzz"]))).toEqual({
    code: "invalid_input",
    message: "The token must be in the vocabulary, since the tokenizer has no unknown token. Given: zzzzzzz.",
  });
  expect(failure(() => tokenizer.convertIdsToTokens([2, 99_999])).code).toBe("unknown_token_id");
  expect(tokenizer.convertIdsToTokens([2, 99_999], { unknownIds: "skip" })).toEqual(["[CLS]"]);
  expect(tokenizer.convertTokensToString(["he", "##llo", "you"])).toBe("hello you");
  expect(tokenizer.batchDecode([inputIds, []], { skipSpecialTokens: true })[1]).toBe("");
  expect(tokenizer.batchDecode(inputIds)).toEqual([tokenizer.decode(inputIds)]);
  expect(tokenizer.batchDecode(Int32Array.from(inputIds))).toEqual([tokenizer.decode(inputIds)]);
  expect([tokenizer.batchDecode([]), tokenizer.batchDecode([[]])]).toEqual([[""], [""]]);
  expect(tokenizer.getVocab().get("[CLS]")).toBe(2);
  expect(tokenizer.length).toBe(334);
});

test("truncation takes the side that is set and keeps special tokens", () => {
  const tokenizer = load("wordpiece");
  const text = "a cat and a dog";
  const cut = tokenizer.encode(text, { truncation: true, maxLength: 4 });
  expect(cut).toHaveLength(4);
  expect(tokenizer.convertIdsToTokens(cut).at(-1)).toBe("[SEP]");
  tokenizer.truncationSide = "left";
  const whole = tokenizer.encode(text);
  expect(tokenizer.encode(text, { truncation: true, maxLength: 4 })).toEqual([whole[0], ...whole.slice(-3)]);
  expect(tokenizer.encode(text, { maxLength: 2 })).toHaveLength(2);
});

test("what is not supported is refused by name", () => {
  const tokenizer = load("byte-level");
  const call = (options: object) => failure(() => tokenizer("a", options));
  expect(call({ padding_side: "left" })).toEqual({
    code: "unknown_option",
    message: "Unknown option `padding_side`: its name here is `paddingSide`.",
  });
  expect(call({ return_tensors: "pt" }).code).toBe("unsupported_option");
  expect(call({ return_offsets_mapping: true }).message).toContain("`returnOffsetsMapping`");
  expect(failure(() => tokenizer.encode("a", { returnOffsetsMapping: true } as object)).code).toBe("unsupported_option");
  expect(call({ colour: 1 }).message).toContain("`padToMultipleOf`");
  expect(call({ padding: "short" }).code).toBe("invalid_option");
  expect(call({ maxLength: 0 }).code).toBe("invalid_option");
  expect(call({ padding: true, maxLength: 4 }).code).toBe("conflicting_options");
  expect(call({ padding: true, truncation: true, maxLength: 5, padToMultipleOf: 2 }).code).toBe("conflicting_options");
  expect(failure(() => tokenizer.decode([1], { skip_special_tokens: true } as object)).message).toContain("skipSpecialTokens");
  expect(failure(() => tokenizer(7 as unknown as string)).code).toBe("invalid_input");
  expect(failure(() => tokenizer(["a", 7] as unknown as string[])).code).toBe("invalid_input");
});

test("ids outside the vocabulary are errors unless they are to be skipped", () => {
  const tokenizer = load("byte-level");
  expect(failure(() => tokenizer.decode([99999])).code).toBe("unknown_token_id");
  expect(tokenizer.decode([99999], { unknownIds: "skip" })).toBe("");
  for (const id of [-1, 1.5, Number.NaN])
    expect(failure(() => tokenizer.decode([id], { unknownIds: "skip" })).code).toBe("unknown_token_id");
  expect(failure(() => tokenizer.decode([[1], [2]] as unknown as number[])).message).toContain("batchDecode");
  expect(tokenizer.decode([])).toBe("");
  expect(tokenizer.decode(Int32Array.of(1, 2))).toBe(tokenizer.decode([1, 2]));
});

test("clean-up is off by default, on where the configuration says so, and never for BPE", () => {
  const text = "hello , it ' s";
  const ids = load("unigram").encode(text, { addSpecialTokens: false });
  expect(load("unigram").decode(ids)).not.toContain(" ,");
  expect(load("unigram").decode(ids, { cleanUpTokenizationSpaces: false })).toContain(" ,");
  expect(load("unigram", { clean_up_tokenization_spaces: undefined }).decode(ids)).toContain(" ,");
  const bpe = load("byte-level");
  expect(bpe.decode(bpe.encode(text), { cleanUpTokenizationSpaces: true })).toContain(" ,");
});

test("special_tokens_map.json counts only without added_tokens_decoder", () => {
  const files = { tokenizerJson: read("llama", "tokenizer.json"), specialTokensMap: { pad_token: { content: "<unk>" } } };
  const config = read("llama", "tokenizer_config.json");
  expect(createTokenizer({ ...files, tokenizerConfig: config }).padToken).toBe("<unk>");
  const decoder = { "0": { content: "<unk>", special: true } };
  expect(createTokenizer({ ...files, tokenizerConfig: { ...config, added_tokens_decoder: decoder } }).padToken).toBe(undefined);
});

test("a tokenizer.json that cannot be used is refused", () => {
  const json = read("llama", "tokenizer.json");
  const make = (change: object) => failure(() => createTokenizer({ tokenizerJson: { ...json, ...change } }).decode([1])).code;
  expect(make({ normalizer: { type: "Other" } })).toBe("unsupported_tokenizer");
  expect(make({ pre_tokenizer: { type: "UnicodeScripts" } })).toBe("unsupported_tokenizer");
  expect(make({ post_processor: { type: "Other" } })).toBe("unsupported_tokenizer");
  expect(make({ decoder: { type: "Other" } })).toBe("unsupported_tokenizer");
  expect(failure(() => createTokenizer({ tokenizerJson: [] })).code).toBe("unsupported_tokenizer");
});

test("arguments of wrong types are refused by name", () => {
  const tokenizer = load("byte-level") as never as { [call: string]: (...given: unknown[]) => unknown };
  const messages = [
    [() => tokenizer.encode?.("a", null), "The options must be an object"],
    [() => tokenizer.encode?.("a", { addSpecialTokens: 5 }), "`addSpecialTokens` must be true or false"],
    [() => tokenizer.decode?.(undefined), "The ids to decode must be a token id or a list of token ids"],
    [() => tokenizer.decode?.([1], { skipSpecialTokens: "x" }), "`skipSpecialTokens` must be true or false"],
    [() => tokenizer.batchDecode?.(undefined), "The rows to decode must be a list of rows, or one row"],
    [() => tokenizer.convertTokensToIds?.(5), "The tokens must be a token or a list of tokens. Given: 5"],
    [() => tokenizer.convertIdsToTokens?.("a"), "The ids must be a token id or a list of token ids. Given: a"],
    [() => tokenizer.convertTokensToString?.(5), "The tokens must be a list of tokens. Given: 5"],
  ] as const;
  for (const [call, message] of messages) expect(failure(call).message).toContain(message);
});

test("a wrong side is refused when it is set", () => {
  const tokenizer = load("byte-level");
  for (const side of ["paddingSide", "truncationSide"] as const) {
    const before = tokenizer[side];
    const { code, message } = failure(() => Object.assign(tokenizer, { [side]: "top" }));
    expect([code, message]).toEqual(["invalid_option", `Option \`${side}\` must be one of "left", "right". Given: "top".`]);
    expect(tokenizer[side]).toBe(before);
    tokenizer[side] = "left";
    expect(tokenizer[side]).toBe("left");
  }
});

test("rows to pad of another form are refused by name", () => {
  const pad = load("byte-level").pad as (...given: unknown[]) => unknown;
  const wrong: [unknown, string][] = [
    [[[1], [2, 3]], "The rows to pad must be an object `{ inputIds, attentionMask? }`. Given: [[1],[2,3]]."],
    [undefined, "The rows to pad must be an object"],
    [{ inputIds: [1, 2] }, "`inputIds` to pad must be a list of rows of token ids. Given: [1,2]."],
    [{ input_ids: [[1]] }, "`inputIds` to pad must be a list of rows of token ids. Given: undefined."],
    [{ inputIds: [[1]], attentionMask: [1] }, "`attentionMask` to pad must be a list of rows of the lengths of `inputIds`"],
    [{ inputIds: [[1, 2]], attentionMask: [[1]] }, "`attentionMask` to pad must be"],
  ];
  for (const [rows, message] of wrong) {
    expect(failure(() => pad(rows))).toEqual({ code: "invalid_input", message: expect.stringContaining(message) });
  }
});
