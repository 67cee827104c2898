/** Small odd tokenizers against the Rust library's answers (made by tools/golden/make_edge_fixtures.py). */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { TsumugiError } from "../errors.ts";
import { createTokenizer } from "./index.ts";

interface Case {
  kind: string;
  file: unknown;
  /** Ids and offsets of each text; null where the library raises. */
  texts: [text: string, answer: [ids: number[], offsets: [number, number][]] | null][];
  rows: [ids: number[], text: string][];
}

const cases: Case[] = JSON.parse(
  readFileSync(new URL("../../test/fixtures/tokenizers-parts/edges.json", import.meta.url), "utf8"),
);

function answer(tokenizer: ReturnType<typeof createTokenizer>, text: string) {
  try {
    const { inputIds, offsetMapping } = tokenizer(text, { returnOffsetsMapping: true });
    expect(tokenizer.encode(text)).toEqual(inputIds);
    return [inputIds, offsetMapping];
  } catch (error) {
    if (TsumugiError.isInstance(error) && error.code === "unknown_text") return null;
    throw error;
  }
}

test.each(["split", "replace", "decoder", "bpe", "unigram", "word_piece"])(
  "%s tokenizers answer as the library does",
  (kind) => {
    const ofKind = cases.filter((each) => each.kind === kind);
    expect(ofKind.length).toBeGreaterThan(20);
    for (const { file, texts, rows } of ofKind) {
      const tokenizer = createTokenizer({ tokenizerJson: file });
      for (const [text, expected] of texts) expect([file, text, answer(tokenizer, text)]).toEqual([file, text, expected]);
      for (const [row, expected] of rows) expect([file, row, tokenizer.decode(row)]).toEqual([file, row, expected]);
    }
  },
);

test("text that no token stands for raises with the text and the reason", () => {
  const tokenizer = createTokenizer({
    tokenizerJson: { model: { type: "BPE", vocab: { a: 0 }, merges: [], unk_token: "<unk>" } },
  });
  expect(tokenizer.encode("aa")).toEqual([0, 0]);
  expect(() => tokenizer.encode("ax")).toThrow(
    expect.objectContaining({ code: "unknown_text", message: expect.stringContaining('no token for "x"') }),
  );
});
