import { TsumugiError } from "../errors.ts";
import { isRecord, listOf } from "../util/json-value.ts";
import { createReplacer } from "./text-replacer.ts";
import type { TokenModel } from "./token-model.ts";

/** Texts that stand for characters before the vocabulary is looked up, in this order; then come the emoji. */
const replacements: readonly (readonly [string, string])[] = [
  [" ", "<SP>"],
  ["\u3000", "<SP>"],
  ["\r\n", "<BR>"],
  ["\n", "<BR>"],
  ["\r", "<BR>"],
  ["\t", "<TAB>"],
  ["—", "ー"],
  ["−", "ー"],
];

const written: Readonly<Record<string, string>> = {
  "<SP>": " ",
  "<BR>": "\n",
  "<TAB>": "\t",
  "<BLOCK>": "▀",
  "<KIGOU>": "ǀ",
  "<U2000U2BFF>": "‖",
};

const symbol = /^[\u00a1-\u00bf\u01c0-\u01c3\u02b9-\u0362]$/;
const sign = /^[\u2000-\u2bff]$/;
const utf8 = new TextEncoder();

/**
 * The sub-words of GPT-NeoX Japanese. A line of the vocabulary is a token, or several ways to write it, with commas
 * between. At each place the words of up to three characters that stand there are compared, and the one with the smallest
 * id is taken; a word of more than two characters that begins with "<", of any length, goes first. What is in no word is a
 * class of symbols, or its bytes of UTF-8. Tokens of ids are the texts that they stand for, a single byte included.
 *
 * Source: transformers' `GPTNeoXJapaneseTokenizer`; the method is tanreinama's Japanese-BPEEncoder_V2.
 */
export function createJapaneseSubwords(config: Record<string, unknown>): TokenModel {
  const emoji = Object.entries(isRecord(config.emoji) ? config.emoji : {}).map(([text, tag]) => [text, String(tag)] as const);
  const replaceAll = createReplacer([...replacements, ...emoji]);
  const { ids, tokens, size } = readVocabulary(config);
  const wordAt = createWordFinder(ids);

  const wordsOf = (text: string): string[] => {
    const found: string[] = [];
    for (let at = 0; at < text.length; ) {
      const word = wordAt(text, at);
      const width = word?.length ?? widthAt(text, at);
      if (word !== undefined) found.push(word);
      else found.push(...withoutWord(text.slice(at, at + width)));
      at += width;
    }
    return found
      .filter((word) => idOf(word) !== undefined)
      .map((word) => (ids.has(word) ? word : (tokens[idOf(word) as number] ?? word)));
  };

  const unknownId = ids.get(String(config.unk_token));
  const idOf = (token: string) => ids.get(token) ?? unknownId;
  return {
    words: {
      tokenize: (text) => ({ ids: wordsOf(text).flatMap((word) => idOf(word) ?? []) }),
      // a token is named by the way it is written
      namesOf: wordsOf,
      *partsOf(text) {
        let start = 0;
        for (let at = 0; at < text.length; ) {
          at += wordAt(text, at)?.length ?? widthAt(text, at);
          if (at - start < 256 && at < text.length) continue;
          yield text.slice(start, at);
          start = at;
        }
      },
    },
    normalizer: {
      normalize: replaceAll,
      align() {
        const reason = "transformers' tokenizer of this class (GPT-NeoX Japanese) has no offsets either";
        throw new TsumugiError("unsupported_option", { option: "returnOffsetsMapping", reason });
      },
    },
    takesBytes: false,
    ids,
    tokens: { get: (id) => tokens[id] },
    size,
    type: "JapaneseSubwords",
  };
}

interface SubwordVocabulary {
  /** The id of each way to write a token. */
  ids: Map<string, number>;
  /** The text that each id stands for. */
  tokens: string[];
  /** How many lines of the vocabulary differ. */
  size: number;
}

/** Reads vocab.txt and emoji.json. Throws `invalid_tokenizer_file` for an emoji that emoji.json lacks. */
function readVocabulary(config: Record<string, unknown>): SubwordVocabulary {
  const emojiOf = isRecord(config.emoji_inv) ? config.emoji_inv : {};
  const lines = listOf(config.vocab).map(String);
  // as Python reads it, where the end of the line is part of it: a comma alone is two empty words, but not on a last line
  const ways = lines.map((line, id) => (line === "," && id === lines.length - 1 ? [line] : line.split(",")));
  const ids = new Map(ways.flatMap((words, id) => words.map((word) => [word, id] as const)));
  const tokens = ways.map(([word = ""]) => {
    const byte = /^<\|byte(\d+)\|>$/.exec(word)?.[1];
    if (byte !== undefined) return new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.of(Number(byte)));
    if (!/^<\|emoji.*\|>$/s.test(word)) return written[word] ?? word;
    if (typeof emojiOf[word] === "string") return emojiOf[word];
    throw new TsumugiError("invalid_tokenizer_file", { file: "emoji.json", reason: `emoji_inv lacks ${word}` });
  });
  return { ids, tokens, size: new Set(lines).size };
}

/** Makes what finds the word of a vocabulary at a place of a text. */
function createWordFinder(ids: ReadonlyMap<string, number>): (text: string, start: number) => string | undefined {
  const tags = Array.from(ids.keys()).filter((word) => word.startsWith("<"));
  const longestTag = Math.max(3, ...tags.map((word) => Array.from(word).length));
  return (text, start) => {
    const ends = [start];
    const most = text[start] === "<" ? longestTag : 3;
    for (let at = start; ends.length <= most && at < text.length; ends.push(at)) at += widthAt(text, at);
    let best: string | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (let length = ends.length - 1; length > 0; length--) {
      const word = text.slice(start, ends[length]);
      const id = ids.get(word);
      if (id === undefined) continue;
      if (word[0] === "<" && length > 2) return word;
      if (id < least) [best, least] = [word, id];
    }
    return best;
  };
}

/** Units of UTF-16 of the character at a place. */
function widthAt(text: string, at: number): number {
  return (text.codePointAt(at) as number) > 0xffff ? 2 : 1;
}

function withoutWord(character: string): string[] {
  if (symbol.test(character)) return ["<KIGOU>"];
  if (sign.test(character)) return ["<U2000U2BFF>"];
  return Array.from(utf8.encode(character), (byte) => `<|byte${byte}|>`);
}
