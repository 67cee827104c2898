import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { camelCase } from "../util/letter-case.ts";
import { createTokenizer, type EncodeOptions } from "./index.ts";

interface Golden {
  lists: {
    normalizers: unknown[];
    preTokenizers: unknown[];
    postProcessors: unknown[];
    texts: string[];
    callTexts: string[];
    addedTokens: unknown[];
  };
  /** Indices of normaliser, pre-tokenizer and post-processor, then the offsets of each text, all in a row. */
  parts: [number, number, number, number[][]][];
  calls: [string, "left" | "right", Record<string, unknown>, number[][], [number, number][][]][];
}

const fixtures = new URL("../../test/fixtures/", import.meta.url);
const read = (path: string) => JSON.parse(readFileSync(new URL(path, fixtures), "utf8"));
const golden: Golden = read("tokenizers-parts/offsets.json");
const load = (name: string) =>
  createTokenizer({
    tokenizerJson: read(`tokenizers/${name}/tokenizer.json`),
    tokenizerConfig: read(`tokenizers/${name}/tokenizer_config.json`),
  });

test("offsets of words are those of the tokenizers library, whatever changes and cuts the text", () => {
  const { lists, parts } = golden;
  expect(parts.length).toBeGreaterThan(150);
  const different: unknown[] = [];
  for (const [n, p, q, wanted] of parts) {
    const tokenizer = createTokenizer({
      tokenizerJson: {
        added_tokens: lists.addedTokens,
        normalizer: lists.normalizers[n],
        pre_tokenizer: lists.preTokenizers[p],
        post_processor: lists.postProcessors[q],
        model: { type: "WordLevel", vocab: { "?": 0, "[A]": 1, "[B]": 2 }, unk_token: "?" },
      },
    });
    for (const [i, text] of lists.texts.entries()) {
      const { inputIds, offsetMapping } = tokenizer(text, { returnOffsetsMapping: true });
      const got = offsetMapping.flat();
      if (JSON.stringify(got) !== JSON.stringify(wanted[i]) || String(inputIds) !== String(tokenizer.encode(text)))
        different.push([lists.normalizers[n], lists.preTokenizers[p], lists.postProcessors[q], text, got, wanted[i]]);
    }
  }
  expect(different.length, JSON.stringify(different.slice(0, 3))).toBe(0);
});

test("padding, truncation, pairs and special tokens have the offsets that transformers gives", () => {
  expect(golden.calls.length).toBeGreaterThan(70);
  for (const [name, side, kwargs, ids, offsets] of golden.calls) {
    const tokenizer = load(name);
    tokenizer.padToken ??= tokenizer.eosToken;
    tokenizer.truncationSide = side;
    const options: EncodeOptions = Object.fromEntries(Object.entries(kwargs).map(([key, value]) => [camelCase(key), value]));
    const got = tokenizer(golden.lists.callTexts, { ...options, returnOffsetsMapping: true });
    expect([got.inputIds, got.offsetMapping], `${name} ${JSON.stringify(kwargs)}`).toEqual([ids, offsets]);
  }
});

test.each(["byte-level", "llama", "metaspace", "roberta", "unigram", "wordpiece"])(
  "%s: UTF-16 offsets cut the same text out of a string; encodeAsync gives the same",
  async (name) => {
    const tokenizer = load(name);
    const text = "😀 Hello 𠮷野家 👨‍👩‍👧 ｶﾞ 1234 é!";
    const { inputIds, offsetMapping } = tokenizer(text, { returnOffsetsMapping: true });
    const units = tokenizer(text, { returnOffsetsMapping: "utf16" });
    const characters = Array.from(text);
    const cut = units.offsetMapping.map(([start, end]) => text.slice(start, end));
    expect(cut).toEqual(offsetMapping.map(([start, end]) => characters.slice(start, end).join("")));
    expect(units.offsetMapping).not.toEqual(offsetMapping);
    expect(await tokenizer.encodeAsync(text, { returnOffsetsMapping: "utf16" })).toEqual(units);
    expect(await tokenizer.encodeAsync(text)).toEqual(inputIds);
    expect(tokenizer(text)).not.toHaveProperty("offsetMapping");
  },
);

test("a wrong value, and `encode`, which gives ids alone, are refused", () => {
  const tokenizer = load("llama");
  expect(() => tokenizer("a", { returnOffsetsMapping: "bytes" as never })).toThrow("`returnOffsetsMapping` must be one of");
  expect(() => tokenizer.encode("a", { returnOffsetsMapping: true } as object)).toThrow("`tokenizer(text, {");
});
