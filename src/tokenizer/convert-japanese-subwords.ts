import { TsumugiError } from "../errors.ts";
import { isRecord } from "../util/json-value.ts";
import type { Converted } from "./convert-sentencepiece.ts";

/**
 * vocab.txt and emoji.json of GPT-NeoX Japanese as a tokenizer.json with the model type "JapaneseSubwords", which is
 * tsumugi's own. Errors: `invalid_tokenizer_file`, `unsupported_tokenizer`.
 */
export function convertJapaneseSubwords(vocab: string, emoji: unknown, config: Record<string, unknown>): Converted {
  if (config.do_clean_text === true)
    throw new TsumugiError("unsupported_tokenizer", { what: "do_clean_text (URLs, dates, prices as tags)", given: true });
  if (!isRecord(emoji) || !isTable(emoji.emoji) || !isTable(emoji.emoji_inv)) {
    const reason = "it does not hold `emoji` and `emoji_inv`, tables of texts";
    throw new TsumugiError("invalid_tokenizer_file", { file: "emoji.json", reason });
  }
  const lines = vocab.replace(/\r\n?/g, "\n").split("\n");
  if (lines.at(-1) === "") lines.pop();
  const end = "<|endoftext|>";
  return {
    defaults: { unk_token: end, pad_token: end, bos_token: "<|startoftext|>", eos_token: end },
    tokenizerJson: {
      added_tokens: [],
      normalizer: null,
      pre_tokenizer: null,
      model: { type: "JapaneseSubwords", vocab: lines, emoji: emoji.emoji, emoji_inv: emoji.emoji_inv, unk_token: end },
      // tokens are put together as they are, and white space at both ends goes
      decoder: { type: "Sequence", decoders: [{ type: "Fuse" }, { type: "Trim" }] },
      // nothing is put around texts
      post_processor: { type: "Sequence", processors: [] },
    },
  };
}

function isTable(value: unknown): value is Record<string, string> {
  return isRecord(value) && Object.values(value).every((text) => typeof text === "string");
}
