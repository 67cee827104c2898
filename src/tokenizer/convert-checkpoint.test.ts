import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { convertCheckpoint } from "./convert-checkpoint.ts";
import { readSentencePieceModel } from "./sentencepiece-model.ts";
import { tokenizerClassOf } from "./tokenizer-class.ts";

const folder = new URL("../../test/fixtures/tokenizers-checkpoints/", import.meta.url);
const model = new Uint8Array(readFileSync(new URL("llama/tokenizer.model", folder)));
const invalid = expect.objectContaining({ code: "invalid_tokenizer_file" });
const unsupported = expect.objectContaining({ code: "unsupported_tokenizer" });

test("reads pieces, their kinds and the trainer's settings", () => {
  const read = readSentencePieceModel(model, "tokenizer.model");
  expect(read.pieces.slice(0, 4).map(({ piece, kind }) => [piece, kind])).toEqual([
    ["<unk>", "unknown"],
    ["<s>", "control"],
    ["</s>", "control"],
    ["<0x00>", "byte"],
  ]);
  expect([read.type, read.byteFallback, read.unkId, read.bosId, read.eosId]).toEqual(["bpe", true, 0, 1, 2]);
});

describe("malformed files", () => {
  test.each([
    ["empty", new Uint8Array(0)],
    ["text", new TextEncoder().encode("version https://git-lfs.github.com/spec/v1\noid sha256:00\n")],
    ["cut off", model.subarray(0, 1000)],
    ["an endless number", new Uint8Array(20).fill(0xff)],
    ["a piece that is not UTF-8", Uint8Array.from([0x0a, 0x03, 0x0a, 0x01, 0xff])],
    ["a piece of an unknown type", Uint8Array.from([0x0a, 0x02, 0x18, 0x09])],
  ])("%s", (_, bytes) => {
    expect(() => readSentencePieceModel(bytes, "tokenizer.model")).toThrow(invalid);
  });

  test("every cut of a model is refused or read, never anything else", () => {
    for (let length = 0; length < 600; length++) {
      try {
        readSentencePieceModel(model.subarray(0, length), "tokenizer.model");
      } catch (error) {
        expect(error).toEqual(invalid);
      }
    }
  });

  test("character models, classes without a recipe, broken vocabularies", () => {
    // One piece "a", and a trainer with model_type 4.
    const characters = Uint8Array.from([0x0a, 0x03, 0x0a, 0x01, 0x61, 0x12, 0x02, 0x18, 0x04]);
    expect(() => readSentencePieceModel(characters, "m.model")).toThrow(unsupported);
    const sentencePiece = { file: "tokenizer.model", bytes: model };
    expect(() => convertCheckpoint({ sentencePiece, config: { model_type: "xglm" } })).toThrow(unsupported);
    const gpt2 = { config: { model_type: "gpt2" }, merges: "a b\n" };
    expect(() => convertCheckpoint({ ...gpt2, vocab: ["a"] })).toThrow(invalid);
    expect(() => convertCheckpoint({ ...gpt2, vocab: { a: 0 }, merges: "a b c" })).toThrow(invalid);
    expect(() => convertCheckpoint({ ...gpt2, vocab: { a: 0 }, addedTokens: { b: "1" } })).toThrow(invalid);
    expect(convertCheckpoint({ config: { model_type: "gpt2" } })).toBeUndefined();
  });
});

test.each([
  [{}, {}, "TokenizersBackend"],
  [{ model_type: "gpt2" }, {}, "GPT2Tokenizer"],
  [{ model_type: "gpt2" }, { tokenizer_class: "T5TokenizerFast" }, "T5Tokenizer"],
  [{ model_type: "gpt2", tokenizer_class: "T5Tokenizer" }, {}, "T5Tokenizer"],
  [{ model_type: "mistral" }, { tokenizer_class: "LlamaTokenizer" }, "TokenizersBackend"],
  [{ model_type: "qwen2" }, { tokenizer_class: "LlamaTokenizer" }, "Qwen2Tokenizer"],
  [{ model_type: "llama" }, { tokenizer_class: "LlamaTokenizerFast" }, "LlamaTokenizer"],
])("class of %j and %j is %s", (config, tokenizerConfig, name) => {
  expect(tokenizerClassOf(config, tokenizerConfig)).toBe(name);
});
