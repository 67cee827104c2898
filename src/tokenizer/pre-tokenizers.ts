import { TsumugiError } from "../errors.ts";
import { isRecord, listOf } from "./json.ts";
import { library } from "./library.ts";

/** Cuts a normalised piece of text into words. `first` says whether the piece begins the text. */
export type PreTokenizer = (text: string, first: boolean) => string[];

type Behavior = "Removed" | "Isolated" | "MergedWithPrevious" | "MergedWithNext" | "Contiguous";

const punctuation = /[\p{P}!-/:-@[-`{-~]/gu;
const whitespace = /\p{White_Space}/gu;
const byteLevelWords =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;

/**
 * The pre-tokenizer that `pre_tokenizer` of a tokenizer.json describes.
 *
 * These are the Rust library's rules. `@huggingface/tokenizers` 0.2 differs from it in `Split` (behaviours and `invert`),
 * `Punctuation`, `Digits`, `Whitespace` (ASCII only) and `Metaspace` (never splits), so only its translation of regular
 * expressions is used.
 */
export function createPreTokenizer(config: unknown): PreTokenizer {
  if (config === null || config === undefined) return (text) => [text];
  if (!isRecord(config)) throw unsupported("pre_tokenizer", config);
  switch (config.type) {
    case "Sequence": {
      const steps = listOf(config.pretokenizers).map(createPreTokenizer);
      return (text, first) => steps.reduce((words, step) => words.flatMap((word, i) => step(word, first && i === 0)), [text]);
    }
    case "ByteLevel":
      if (config.cut === true) return (text) => byteLevelCuts(text, config.add_prefix_space !== false);
      return byteLevel(config.add_prefix_space !== false, config.use_regex !== false);
    case "Metaspace":
      return metaspace(config);
    case "Split": {
      const { pattern } = new library.SplitPreTokenizer(config);
      if (!pattern) throw unsupported("pre_tokenizer.pattern", config.pattern);
      return splitter(pattern, behaviorOf(config.behavior), config.invert === true);
    }
    case "Punctuation":
      return splitter(punctuation, config.behavior === undefined ? "Isolated" : behaviorOf(config.behavior));
    case "Digits":
      return splitter(/\p{N}/gu, config.individual_digits === true ? "Isolated" : "Contiguous");
    case "Whitespace":
      return splitter(
        /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]+|[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}\p{White_Space}]+/gu,
        "Removed",
        true,
      );
    case "WhitespaceSplit":
      return splitter(whitespace, "Removed");
    case "BertPreTokenizer": {
      const words = splitter(whitespace, "Removed");
      const marks = splitter(punctuation, "Isolated");
      return (text, first) => words(text, first).flatMap((word) => marks(word, false));
    }
    case "CharDelimiterSplit": {
      const delimiter = String(config.delimiter);
      return (text) => text.split(delimiter).filter((word) => word !== "");
    }
    case "FixedLength": {
      const length = Number(config.length ?? 5);
      return (text) => {
        const characters = Array.from(text);
        const words: string[] = [];
        for (let i = 0; i < characters.length; i += length) words.push(characters.slice(i, i + length).join(""));
        return words;
      };
    }
    default:
      throw unsupported("pre_tokenizer", config.type);
  }
}

/**
 * The same words as `createPreTokenizer`'s, made one after the other: only the first step sees all of the text at once, the
 * others go on word by word as the words are asked for.
 */
export function createLazyPreTokenizer(config: unknown): (text: string, first: boolean) => Iterable<string> {
  const steps = flatten(config).map(createPreTokenizer);
  function* from(at: number, text: string, first: boolean): Generator<string> {
    const step = steps[at];
    if (!step) {
      yield text;
      return;
    }
    let index = 0;
    for (const word of step(text, first)) yield* from(at + 1, word, first && index++ === 0);
  }
  return (text, first) => from(0, text, first);
}

/** A sequence as its steps; `ByteLevel` as one that cuts and one that writes bytes. */
function flatten(config: unknown): unknown[] {
  if (!isRecord(config)) return [config];
  if (config.type === "Sequence") return listOf(config.pretokenizers).flatMap(flatten);
  if (config.type === "BertPreTokenizer") return [{ type: "WhitespaceSplit" }, { type: "Punctuation", behavior: "Isolated" }];
  if (config.type !== "ByteLevel" || config.use_regex === false) return [config];
  return [
    { ...config, cut: true },
    { ...config, add_prefix_space: false, use_regex: false },
  ];
}

/** Cuts text at matches of a pattern; `behavior` says what becomes of the matches, `invert` swaps matches and gaps. */
export function splitter(pattern: RegExp, behavior: Behavior, invert = false): PreTokenizer {
  return (text) => {
    const parts: { text: string; match: boolean }[] = [];
    let done = 0;
    for (const found of text.matchAll(pattern)) {
      if (found[0] === "") continue;
      if (found.index > done) parts.push({ text: text.slice(done, found.index), match: invert });
      parts.push({ text: found[0], match: !invert });
      done = found.index + found[0].length;
    }
    if (done < text.length) parts.push({ text: text.slice(done), match: invert });
    if (behavior === "Removed") return parts.filter((part) => !part.match).map((part) => part.text);
    if (behavior === "Isolated") return parts.map((part) => part.text);
    return merge(parts, behavior);
  };
}

function merge(parts: { text: string; match: boolean }[], behavior: Behavior): string[] {
  const words: string[] = [];
  let previous: boolean | undefined;
  const forward = behavior !== "MergedWithNext";
  for (const part of forward ? parts : parts.toReversed()) {
    const last = words.length - 1;
    const joins = behavior === "Contiguous" ? part.match === previous : part.match && previous === false && words.length > 0;
    if (joins) words[last] = forward ? words[last] + part.text : part.text + words[last];
    else words.push(part.text);
    previous = part.match;
  }
  return forward ? words : words.reverse();
}

function metaspace(config: Record<string, unknown>): PreTokenizer {
  const mark = typeof config.replacement === "string" ? config.replacement : "▁";
  const scheme = config.prepend_scheme ?? (config.add_prefix_space === false ? "never" : "always");
  const split = config.split === false ? undefined : splitter(literal(mark), "MergedWithNext");
  return (text, first) => {
    let marked = text.replaceAll(" ", mark);
    if (!marked.startsWith(mark) && (scheme === "always" || (scheme === "first" && first))) marked = mark + marked;
    return split ? split(marked, first) : [marked];
  };
}

function byteLevel(addPrefixSpace: boolean, useRegex: boolean): PreTokenizer {
  const encoder = new TextEncoder();
  return (text) => {
    const words = byteLevelCuts(text, addPrefixSpace, useRegex);
    return words.map((word) => Array.from(encoder.encode(word), (byte) => byteCharacters[byte] as string).join(""));
  };
}

function byteLevelCuts(text: string, addPrefixSpace: boolean, useRegex = true): string[] {
  const prefixed = addPrefixSpace && !text.startsWith(" ") ? ` ${text}` : text;
  return useRegex ? (prefixed.match(byteLevelWords) ?? []) : [prefixed];
}

/** GPT-2's 256 printable characters, one per byte. Source: openai/gpt-2 `bytes_to_unicode`. */
export const byteCharacters: readonly string[] = (() => {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    return String.fromCharCode(printable ? byte : next++);
  });
})();

function literal(text: string): RegExp {
  return new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "gu");
}

function behaviorOf(value: unknown): Behavior {
  const names: Behavior[] = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"];
  const found = names.find((name) => name.toLowerCase() === String(value).toLowerCase().replaceAll("_", ""));
  if (!found) throw unsupported("pre_tokenizer.behavior", value);
  return found;
}

function unsupported(what: string, value: unknown): TsumugiError {
  return new TsumugiError("unsupported_tokenizer", { what, given: value });
}
