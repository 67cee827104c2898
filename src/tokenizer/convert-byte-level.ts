import { TsumugiError } from "../errors.ts";
import { isRecord } from "../util/json-value.ts";
import { showValue } from "../util/show-value.ts";
import type { Converted } from "./convert-sentencepiece.ts";
import { tokenText } from "./token-spec.ts";

const qwenWords = (marks: string) =>
  `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?${marks ? `[\\p{L}${marks}]+` : "\\p{L}+"}|\\p{N}| ?[^\\s\\p{L}${marks}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`;

/**
 * vocab.json and merges.txt (byte-level BPE) as a tokenizer.json, by the recipe of `className` in transformers 5.18.
 * Errors: `invalid_tokenizer_file`, `unsupported_tokenizer`.
 */
export function convertByteLevel(
  vocab: unknown,
  merges: string,
  className: string,
  config: Record<string, unknown>,
): Converted {
  const ids = checkVocab(vocab);
  const model = { type: "BPE", vocab: ids, merges: checkMerges(merges, ids), fuse_unk: false, byte_fallback: false };
  const spaced = config.add_prefix_space === true;
  const end = "<|endoftext|>";
  const byteLevel = (addPrefixSpace: boolean, useRegex = true) => ({
    ...{ type: "ByteLevel", add_prefix_space: addPrefixSpace, trim_offsets: true, use_regex: useRegex },
  });
  const parts = { added_tokens: [], normalizer: null, decoder: byteLevel(true), post_processor: null, model };
  switch (className) {
    case "GPT2Tokenizer":
    case "CodeGenTokenizer":
      return {
        defaults: { unk_token: end, bos_token: end, eos_token: end },
        tokenizerJson: { ...parts, pre_tokenizer: byteLevel(spaced) },
      };
    case "Qwen2Tokenizer":
    case "Qwen3_5Tokenizer": {
      const pattern = { Regex: qwenWords(className === "Qwen2Tokenizer" ? "" : "\\p{M}") };
      const split = { type: "Split", pattern, behavior: "Isolated", invert: false };
      return {
        defaults: { unk_token: end, eos_token: end, pad_token: end },
        tokenizerJson: {
          ...parts,
          normalizer: { type: "NFC" },
          pre_tokenizer: { type: "Sequence", pretokenizers: [split, byteLevel(spaced, false)] },
        },
      };
    }
    case "RobertaTokenizer":
    case "BartTokenizer": {
      const token = (name: string, otherwise: string): [string, number] => {
        const content = tokenText(config[name]) ?? otherwise;
        const id = model.vocab[content];
        if (id === undefined)
          throw new TsumugiError("unsupported_tokenizer", { what: `${name} outside vocab.json`, given: content });
        return [content, id];
      };
      return {
        defaults: {
          ...{
            bos_token: "<s>",
            eos_token: "</s>",
            sep_token: "</s>",
            cls_token: "<s>",
            unk_token: "<unk>",
            pad_token: "<pad>",
          },
          mask_token: "<mask>",
        },
        tokenizerJson: {
          ...parts,
          pre_tokenizer: byteLevel(spaced),
          post_processor: {
            ...{ type: "RobertaProcessing", sep: token("sep_token", "</s>"), cls: token("cls_token", "<s>") },
            ...{ add_prefix_space: spaced, trim_offsets: config.trim_offsets !== false },
          },
        },
      };
    }
    default:
      throw new TsumugiError("unsupported_tokenizer", { what: "tokenizer_class over vocab.json", given: className });
  }
}

function checkVocab(vocab: unknown): Record<string, number> {
  if (isRecord(vocab) && Object.values(vocab).every((id) => Number.isSafeInteger(id) && (id as number) >= 0))
    return vocab as Record<string, number>;
  throw new TsumugiError("invalid_tokenizer_file", { file: "vocab.json", reason: "it is not a table of token ids" });
}

function checkMerges(text: string, ids: Record<string, number>): [string, string][] {
  const lines = text.split(/\r?\n/).filter((line) => line !== "" && !line.startsWith("#version"));
  return lines.map((line, index) => {
    const [left, right, ...rest] = line.split(" ");
    if (!left || !right || rest.length > 0)
      throw new TsumugiError("invalid_tokenizer_file", {
        file: "merges.txt",
        reason: `merge ${index + 1} is not two tokens: ${showValue(line)}`,
      });
    const missing = [left, right, left + right].find((token) => !Object.hasOwn(ids, token));
    if (missing !== undefined) {
      const reason = `merge ${index + 1}, ${showValue(line)}, needs the token ${showValue(missing)}, which vocab.json lacks`;
      throw new TsumugiError("invalid_tokenizer_file", { file: "merges.txt", reason });
    }
    return [left, right];
  });
}
