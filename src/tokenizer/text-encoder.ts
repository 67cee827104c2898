import { TsumugiError } from "../errors.ts";
import { type AddedToken, AddedTokenSplitter } from "./added-vocabulary.ts";
import { createJapaneseSubwords } from "./japanese-subwords.ts";
import { isRecord, listOf } from "./json.ts";
import { type LibraryNormalizer, library } from "./library.ts";
import { createLazyPreTokenizer } from "./pre-tokenizers.ts";
import { createPrecompiledNormalizer } from "./precompiled.ts";
import { createUnigram } from "./unigram.ts";
import { createWordCutter } from "./word-cuts.ts";

/** A model and its normaliser, built from a tokenizer.json. */
export interface Model {
  /** Tokens of one word. Tokens outside the vocabulary come back as they are. */
  tokensOf(word: string): string[];
  /** Cuts a word into parts whose tokens are those of the whole. */
  partsOf(word: string): Iterable<string>;
  normalize(text: string): string;
  readonly ids: ReadonlyMap<string, number>;
  readonly tokens: readonly (string | undefined)[];
  readonly size: number;
  readonly type: string;
  readonly unknownId: number | undefined;
  readonly byteFallback: boolean;
}

/** Builds normaliser and model with `@huggingface/tokenizers`. Errors: `unsupported_tokenizer`. */
export function createModel(tokenizerJson: unknown): Model {
  if (!isRecord(tokenizerJson) || !isRecord(tokenizerJson.model))
    throw new TsumugiError("unsupported_tokenizer", { what: "tokenizer.json without `model`", given: typeof tokenizerJson });
  const config = tokenizerJson.model;
  if (config.type === "JapaneseSubwords") return createJapaneseSubwords(config);
  const nothing = { pre_tokenizer: null, post_processor: null, decoder: null, added_tokens: [] };
  let parts: InstanceType<typeof library.Tokenizer>;
  try {
    parts = new library.Tokenizer({ normalizer: null, ...tokenizerJson, ...nothing }, { unk_token: config.unk_token });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TsumugiError("unsupported_tokenizer", { what: "model or normalizer", given: reason }, { cause });
  }
  const { model, normalizer } = parts;
  fixPrecompiled(normalizer);
  const bert = hasBertNormalizer(tokenizerJson.normalizer);
  const tokens = model.vocab;
  const ids = model.tokens_to_ids;
  const type = typeof config.type === "string" ? config.type : Array.isArray(config.vocab) ? "Unigram" : "BPE";
  const unknown = type === "Unigram" ? config.unk_id : ids.get(String(config.unk_token));
  return {
    tokensOf: remembered(type === "Unigram" ? createUnigram(config.vocab, config.unk_id) : (word) => model([word])),
    partsOf:
      type === "BPE" && !config.continuing_subword_prefix && !config.end_of_word_suffix
        ? createWordCutter(ids)
        : (word) => [word],
    normalize: (text) => (normalizer ? normalizer(bert ? spaceRareIdeographs(text) : text) : text),
    ids,
    tokens,
    size: Array.isArray(config.vocab) ? config.vocab.length : ids.size,
    type,
    unknownId: typeof unknown === "number" ? unknown : undefined,
    byteFallback: config.byte_fallback === true,
  };
}

/** Remembers the tokens of short words, which come again and again. */
function remembered(tokensOf: (word: string) => string[]): (word: string) => string[] {
  const known = new Map<string, string[]>();
  return (word) => {
    if (word.length > 64) return tokensOf(word);
    const found = known.get(word);
    if (found) return found;
    const tokens = tokensOf(word);
    if (known.size >= 20_000) known.clear();
    known.set(word, tokens);
    return tokens;
  };
}

/** Puts the exact `Precompiled` normaliser where the library has its approximation. */
function fixPrecompiled(normalizer: LibraryNormalizer | null): void {
  if (!normalizer) return;
  for (const inner of normalizer.normalizers ?? []) fixPrecompiled(inner);
  const { type, precompiled_charsmap } = normalizer.config ?? {};
  if (type === "Precompiled" && typeof precompiled_charsmap === "string" && precompiled_charsmap !== "")
    normalizer.normalize = createPrecompiledNormalizer(precompiled_charsmap);
}

function hasBertNormalizer(config: unknown): boolean {
  if (!isRecord(config)) return false;
  if (config.type === "Sequence") return listOf(config.normalizers).some(hasBertNormalizer);
  return config.type === "BertNormalizer" && config.handle_chinese_chars !== false;
}

/** The library sets spaces around ideographs below U+10000 only; these are the others that tokenizers knows. */
function spaceRareIdeographs(text: string): string {
  return text.replace(/[\u{20000}-\u{2a6df}\u{2a700}-\u{2b81f}\u{2b920}-\u{2ceaf}\u{2f800}-\u{2fa1f}]/gu, " $& ");
}

/** Ids of a text, and their tokens. */
export interface EncodedText {
  ids: number[];
  tokens: string[];
}

/** Text to tokens and ids, special tokens of the post-processor not included. */
export interface WordEncoder {
  encode(text: string): EncodedText;
  /** The same in steps of some hundred characters; the generator returns the result. */
  steps(text: string): Generator<void, EncodedText>;
}

/** Added tokens are found first, then each piece is normalised, cut into words, and the model splits each word. */
export function createTextEncoder(model: Model, preTokenizerConfig: unknown, added: readonly AddedToken[]): WordEncoder {
  const preTokenize = createLazyPreTokenizer(preTokenizerConfig);
  const raw = new AddedTokenSplitter(added.filter((t) => !t.normalized).map((token) => ({ content: token.content, token })));
  const normalized = new AddedTokenSplitter(
    added.filter((token) => token.normalized).map((token) => ({ content: model.normalize(token.content), token })),
  );
  function* steps(text: string): Generator<void, EncodedText> {
    const ids: number[] = [];
    const tokens: string[] = [];
    const push = (token: string, id: number) => {
      tokens.push(token);
      ids.push(id);
    };
    let characters = 0;
    for (const section of raw.split(text)) {
      if (section.token) {
        push(section.token.content, section.token.id);
        continue;
      }
      for (const piece of normalized.split(model.normalize(section.text))) {
        if (piece.token) {
          push(piece.token.content, piece.token.id);
          continue;
        }
        for (const word of preTokenize(piece.text, section.start + piece.start === 0))
          for (const part of model.partsOf(word)) {
            encodeWord(model, part, push);
            characters += part.length;
            if (characters < 500) continue;
            characters = 0;
            yield;
          }
      }
    }
    return { ids, tokens };
  }
  return {
    steps,
    encode(text) {
      const running = steps(text);
      let step = running.next();
      while (!step.done) step = running.next();
      return step.value;
    },
  };
}

function encodeWord(model: Model, word: string, push: (token: string, id: number) => void): void {
  if (word === "") return;
  for (const token of model.tokensOf(word)) {
    const id = model.ids.get(token);
    if (id !== undefined) {
      push(token, id);
      continue;
    }
    // Unigram hands unknown text back as it is; the library leaves byte fallback to nobody.
    const bytes = model.byteFallback ? byteTokens(token) : [];
    if (bytes.length > 0 && bytes.every((byte) => model.ids.has(byte))) {
      for (const byte of bytes) push(byte, model.ids.get(byte) as number);
    } else if (model.unknownId !== undefined) {
      push(model.tokens[model.unknownId] ?? token, model.unknownId);
    }
  }
}

const utf8 = new TextEncoder();

function byteTokens(text: string): string[] {
  return Array.from(utf8.encode(text), (byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`);
}
