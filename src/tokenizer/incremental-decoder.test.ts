import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { createTokenizer, IncrementalDecoder, type Tokenizer } from "./index.ts";

function load(name: string): Tokenizer {
  const read = (file: string) =>
    JSON.parse(readFileSync(new URL(`../../test/fixtures/tokenizers/${name}/${file}`, import.meta.url), "utf8"));
  return createTokenizer({ tokenizerJson: read("tokenizer.json"), tokenizerConfig: read("tokenizer_config.json") });
}

function pieces(tokenizer: Tokenizer, text: string): string[] {
  const decoder = new IncrementalDecoder(tokenizer);
  const ids = tokenizer.encode(text, { addSpecialTokens: false });
  return [...ids.map((id) => decoder.push(id)), decoder.end()];
}

test("a character that is split over tokens waits until it is whole", () => {
  for (const name of ["byte-level", "llama"]) {
    const parts = pieces(load(name), "👨‍👩‍👧 𠮷");
    expect(parts.join("")).toBe("👨‍👩‍👧 𠮷");
    expect(parts.filter((part) => part === "").length).toBeGreaterThan(5);
  }
});

test("Japanese comes out as it is generated", () => {
  const parts = pieces(load("byte-level"), "これはテストです。");
  expect(parts.slice(0, -1).join("")).toBe("これはテストです。");
});

test("a sequence that is never completed comes out at the end, as the full decode has it", () => {
  const tokenizer = load("byte-level");
  const ids = tokenizer.encode("猫").slice(0, -1);
  const decoder = new IncrementalDecoder(tokenizer);
  const early = ids.map((id) => decoder.push(id)).join("");
  expect(early).not.toContain("\ufffd");
  expect(early + decoder.end()).toBe(tokenizer.decode(ids));
  expect(tokenizer.decode(ids)).toContain("\ufffd");
});

test("one invalid byte makes every byte of its run a replacement character", () => {
  const tokenizer = load("llama");
  const ids = tokenizer.convertTokensToIds(["<0xE7>", "<0x8C>", "<0xAB>", "<0xFF>"]);
  const decoder = new IncrementalDecoder(tokenizer);
  expect(ids.map((id) => decoder.push(id)).join("")).toBe("");
  expect(decoder.end()).toBe("\ufffd\ufffd\ufffd\ufffd");
});

test("the leading space goes at the start of a text and stays behind a prompt", () => {
  const tokenizer = load("llama");
  const ids = tokenizer.encode("a dragon", { addSpecialTokens: false });
  const prompt = tokenizer.encode("I am");
  const decoder = new IncrementalDecoder(tokenizer, { promptIds: prompt, skipSpecialTokens: true });
  expect(decoder.push(ids) + decoder.end()).toBe(" a dragon");
  expect(decoder.push(ids) + decoder.end()).toBe("a dragon");
});

test("ids that no token has are skipped, or refused on request", () => {
  const tokenizer = load("byte-level");
  expect(new IncrementalDecoder(tokenizer).push([99999])).toBe("");
  expect(() => new IncrementalDecoder(tokenizer, { unknownIds: "error" }).push([99999])).toThrow(/not in the tokenizer/);
});

test("a long text costs no more per token than a short one", () => {
  // Decoding the whole text again at each token would take far longer than the test may.
  const tokenizer = load("llama");
  const ids = tokenizer.encode("a small dragon 猫 ", { addSpecialTokens: false });
  const decoder = new IncrementalDecoder(tokenizer);
  let length = 0;
  for (let round = 0; round < 10_000; round++) for (const id of ids) length += decoder.push(id).length;
  length += decoder.end().length;
  expect(length).toBe(tokenizer.decode(Array.from({ length: 10_000 }, () => ids).flat()).length);
});
