import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { GgufWriteValue } from "../../util/gguf-value.ts";
import { createTokenizer } from "../create-tokenizer.ts";
import { convertGguf } from "./convert-gguf.ts";
import { ggufTokenizerMetadata } from "./write-gguf.ts";

const valuesOf = (metadata: Record<string, GgufWriteValue>) =>
  new Map(Object.entries(metadata).map(([key, value]) => [key, value.type === "array" ? value.values : value.value]));

const list = (values: readonly (string | number)[]) => values;
const tokenizerOf = (metadata: Record<string, unknown>) =>
  createTokenizer(convertGguf(new Map(Object.entries(metadata)), "m.gguf"));

const bytes = (extra: string[]) => {
  // the letters that stand for bytes in byte-level vocabularies
  const letters = Array.from({ length: 256 }, (_, byte) => byte).map((byte) => {
    const plain = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    return plain ? byte : undefined;
  });
  let next = 256;
  return [...letters.map((code) => String.fromCodePoint(code ?? next++)), ...extra];
};

describe("tokenizers of GGUF files", () => {
  it("read SentencePiece's vocabularies by their scores", () => {
    const tokens = ["<unk>", "<s>", "</s>", "<0x0A>", "▁", "a", "b", "ab", "▁a", "▁ab", "ba", "<tool>"];
    const metadata = {
      "tokenizer.ggml.model": "llama",
      "tokenizer.ggml.tokens": list(tokens),
      "tokenizer.ggml.scores": list([0, 0, 0, 0, -20, -21, -22, -3, -2, -1, -4, 0]),
      "tokenizer.ggml.token_type": list([2, 3, 3, 6, 1, 1, 1, 1, 1, 1, 1, 4]),
      "tokenizer.ggml.bos_token_id": 1,
      "tokenizer.ggml.eos_token_id": 2,
      "tokenizer.chat_template": "{{ messages[0].content }}",
      "tokenizer.chat_template.tool_use": "tools",
    };
    const tokenizer = tokenizerOf(metadata);
    expect(tokenizer.encode("ab ba")).toEqual([1, 9, 4, 10]);
    expect(tokenizer.encode("b<tool>\n", { addSpecialTokens: false })).toEqual([4, 6, 11, 4, 3]);
    expect(tokenizer.decode([1, 9, 4, 10, 2], { skipSpecialTokens: true })).toBe("ab ba");
    expect(tokenizer.chatTemplate).toBeDefined();
    const bare = tokenizerOf({ ...metadata, "tokenizer.ggml.add_space_prefix": false, "tokenizer.ggml.add_bos_token": false });
    expect(bare.encode("ab ba")).toEqual([7, 4, 10]);
  });

  it("read WordPiece and Unigram", () => {
    const words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "▁cat", "s", "▁the"];
    const bert = {
      "tokenizer.ggml.model": "bert",
      "tokenizer.ggml.tokens": list(words),
      "tokenizer.ggml.token_type": list([3, 3, 3, 3, 1, 1, 1]),
      "tokenizer.ggml.unknown_token_id": 1,
      "tokenizer.ggml.bos_token_id": 2,
      "tokenizer.ggml.seperator_token_id": 3,
    };
    expect(tokenizerOf(bert).encode("The cats")).toEqual([2, 6, 4, 5, 3]);
    const t5 = {
      "tokenizer.ggml.model": "t5",
      "tokenizer.ggml.tokens": list(["<pad>", "</s>", "<unk>", "▁a", "b", "▁ab"]),
      "tokenizer.ggml.scores": list([0, 0, 0, -2, -2, -3]),
      "tokenizer.ggml.token_type": list([3, 3, 2, 1, 1, 1]),
      "tokenizer.ggml.eos_token_id": 1,
      "tokenizer.ggml.unknown_token_id": 2,
      "tokenizer.ggml.remove_extra_whitespaces": true,
    };
    expect(tokenizerOf(t5).encode("ab  ab")).toEqual([5, 5, 1]);
  });

  it.each([
    ["gpt-2", "I'm 1234, ok\n\nyes", "I|'m|Ġ1234|,|Ġok|Ċ|Ċ|yes"],
    ["llama-bpe", "I'M 1234, ok\n\nyes", "I|'M|Ġ|123|4|,|Ġok|ĊĊ|yes"],
    ["qwen2", "I'm 12, ok", "I|'m|Ġ|1|2|,|Ġok"],
    ["smollm", "a12 b", "a|1|2|Ġb"],
    ["tekken", "helloWorld 12", "hello|World|Ġ|1|2"],
    ["gpt-4o", "helloWorld's 1234", "hello|World's|Ġ|123|4"],
    ["deepseek-llm", "ab 12\ncd", "ab|Ġ|12|Ċ|cd"],
    ["deepseek-coder", "ab 12", "ab|Ġ|1|2"],
    ["deepseek-v3", "ab 1234!x", "ab|Ġ|123|4|!x"],
    ["default", "ab, 1234", "ab|,|Ġ|123|4"],
    ["falcon", "ab` 1234", "ab|`|Ġ|123|4"],
    ["viking", "ab 12", "ab|Ġ|1|2"],
  ])("cut texts as %s does", (pre, text, wanted) => {
    // every piece that is wanted is a token, and no merges join pieces
    const pieces = wanted.split("|").filter((piece) => [...piece].length > 1);
    const merges = pieces.flatMap((piece) => {
      const letters = [...piece];
      return letters.slice(1).map((_, at) => [letters.slice(0, at + 1).join(""), letters[at + 1]!]);
    });
    const tokens = [...new Set([...bytes([]), ...merges.map((merge) => merge.join(""))])];
    const tokenizer = tokenizerOf({
      "tokenizer.ggml.model": "gpt2",
      "tokenizer.ggml.pre": pre,
      "tokenizer.ggml.tokens": list(tokens),
      "tokenizer.ggml.merges": list([...new Set(merges.map((merge) => merge.join(" ")))]),
    });
    expect(tokenizer.tokenize(text).join("|")).toBe(wanted);
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
  });

  it("refuse what they do not know, by name", () => {
    const base = { "tokenizer.ggml.tokens": list(["a"]), "tokenizer.ggml.merges": list([]) };
    expect(() => tokenizerOf({ ...base, "tokenizer.ggml.model": "rwkv" })).toThrow(/rwkv/);
    expect(() => tokenizerOf({ ...base, "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "new" })).toThrow(/Given: new/);
    expect(() => tokenizerOf({ "tokenizer.ggml.model": "llama" })).toThrow(/no `tokenizer.ggml.tokens`/);
    const short = { "tokenizer.ggml.model": "llama", ...base, "tokenizer.ggml.scores": list([0, 1]) };
    expect(() => tokenizerOf(short)).toThrow(/2 entries, and there are 1 tokens/);
  });
});

describe("ggufTokenizerMetadata", () => {
  const folders = [
    "test/fixtures/tokenizers/docs-llama3",
    "test/fixtures/tokenizers/docs-llama2",
    "test/fixtures/tokenizers/byte-level",
  ];

  it.each([...folders, "models/tsumugi-mini"])("gives the same ids back: %s", (folder) => {
    const read = (file: string) => {
      const url = new URL(`../../../${folder}/${file}`, import.meta.url);
      return existsSync(url) ? JSON.parse(readFileSync(url, "utf8")) : {};
    };
    const [json, config] = [read("tokenizer.json"), read("tokenizer_config.json")];
    const plain = createTokenizer({ tokenizerJson: json, tokenizerConfig: config });
    const again = createTokenizer(convertGguf(valuesOf(ggufTokenizerMetadata(json, config, plain.length)), "m.gguf"));
    for (const text of ["Once upon a time, there were 3 cats.", "Hello  world\n\nI'm fine", "日本語 text", "a"]) {
      expect(again.encode(text, { addSpecialTokens: false })).toEqual(plain.encode(text, { addSpecialTokens: false }));
      expect(again.decode(again.encode(text), { skipSpecialTokens: true })).toBe(
        plain.decode(plain.encode(text), { skipSpecialTokens: true }),
      );
    }
  });

  it("refuses what such files cannot say", () => {
    expect(() => ggufTokenizerMetadata({ model: { type: "WordLevel", vocab: {} } }, {}, 1)).toThrow(/WordLevel/);
    const cut = { type: "Split", pattern: { Regex: "x" }, behavior: "Isolated", invert: false };
    const pre_tokenizer = { type: "Sequence", pretokenizers: [cut, { type: "ByteLevel", use_regex: false }] };
    expect(() => ggufTokenizerMetadata({ model: { type: "BPE", vocab: {}, merges: [] }, pre_tokenizer }, {}, 1)).toThrow(
      /no name/,
    );
  });
});
