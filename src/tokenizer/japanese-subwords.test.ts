import { describe, expect, test } from "vitest";
import { convertCheckpoint } from "./convert-checkpoint.ts";
import { createTokenizer } from "./create-tokenizer.ts";

const emoji = { emoji: { "😀": "<|emoji1|>" }, emoji_inv: { "<|emoji1|>": "😀" } };
const make = (words: string, given: unknown = emoji, tokenizerConfig: object = {}) => {
  const config = { model_type: "gpt_neox_japanese" };
  const converted = convertCheckpoint({ config, tokenizerConfig, words, emoji: given });
  return createTokenizer(converted ?? { tokenizerJson: {} });
};

describe("sub-words of GPT-NeoX Japanese", () => {
  test("the smallest id of up to three characters wins, and a tag of any length before it", () => {
    const tokenizer = make("かな\nかなだ\nか\nな\nだ\n四文字だ\n<\n<長い札>\n");
    expect(tokenizer.tokenize("かなだ")).toEqual(["かな", "だ"]);
    expect(tokenizer.tokenize("<長い札>四文字だ")[0]).toBe("<長い札>");
    expect(tokenizer.tokenize("<長い")[0]).toBe("<");
    expect(tokenizer.tokenize("四文字だ")).not.toContain("四文字だ");
  });

  test("ways to write a word share its id, and it is read as the first", () => {
    const tokenizer = make("応,應,鷹\n<|emoji1|>\n<SP>\n");
    expect(tokenizer.encode("応應 鷹😀")).toEqual([0, 0, 2, 0, 1]);
    expect(tokenizer.decode([2, 0, 2, 1, 2])).toBe("応 😀");
    expect([tokenizer.vocabSize, tokenizer.length]).toEqual([3, 5]);
  });

  test("what has no word is a class of symbols or bytes", () => {
    const tokenizer = make("");
    expect(tokenizer.tokenize("é¿☃𠮷")).toEqual([]);
    const words = ["<KIGOU>", "<U2000U2BFF>", ...Array.from({ length: 256 }, (_, byte) => `<|byte${byte}|>`)].join("\n");
    expect(make(words).tokenize("é¿☃A")).toEqual(["<|byte195|>", "<|byte169|>", "<KIGOU>", "<U2000U2BFF>", "<|byte65|>"]);
    expect(make(words).decode([0, 1, 2 + 65, 2 + 195])).toBe("ǀ‖A\ufffd");
  });

  test("cleaning, and an emoji.json of another form, are refused", () => {
    expect(() => make("a", emoji, { do_clean_text: true })).toThrow("do_clean_text");
    expect(() => make("a", { emoji: [] })).toThrow("emoji.json");
    expect(() => make("<|emoji2|>")).toThrow("<|emoji2|>");
  });
});
