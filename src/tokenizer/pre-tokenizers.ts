import { TsumugiError } from "../errors.ts";
import { isRecord, listOf } from "../util/json-value.ts";
import type { AlignedText } from "./aligned-text.ts";
import { toByteCharacters } from "./byte-characters.ts";
import { CharacterClass } from "./character-class.ts";
import { punctuationPattern } from "./library-unicode.ts";
import { alignByteCharacters, prefixed } from "./normalizers.ts";
import { expressionPattern, literalPattern, patternOf, type TextPattern } from "./patterns/index.ts";

/** A step that cuts: start and end of each word, one pair after the other. */
export interface CutStep {
  kind: "cut";
  cut(text: string): number[];
}

/** A step that changes a word. `first` says whether the word begins the text. `align` gives the same with its places. */
export interface RewriteStep {
  kind: "rewrite";
  /** The change that `toByteCharacters` makes: a model may take it over. */
  bytes?: true;
  /** Whether `first` counts. */
  asksFirst?: boolean;
  rewrite(text: string, first: boolean): string;
  align(text: string, first: boolean): AlignedText;
}

/** A step of a pre-tokenizer. */
export type PreTokenizerStep = CutStep | RewriteStep;

type Behavior = "Removed" | "Isolated" | "MergedWithPrevious" | "MergedWithNext" | "Contiguous";

const punctuation = new CharacterClass(new RegExp(`^${punctuationPattern}$`, "u"));
const whitespace = new CharacterClass(/^\p{White_Space}$/u);
const numbers = new CharacterClass(/^\p{N}$/u);
const byteLevelWords = expressionPattern(
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu,
);
const plainWords = expressionPattern(
  /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]+|[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}\p{White_Space}]+/gu,
);

/**
 * The steps that `pre_tokenizer` of a tokenizer.json describes; none where text stays whole.
 *
 * Errors: `unsupported_tokenizer`, `invalid_tokenizer_file`. Source: huggingface/tokenizers `pre_tokenizers/`.
 */
export function preTokenizerSteps(config: unknown): PreTokenizerStep[] {
  if (config === null || config === undefined) return [];
  if (!isRecord(config)) throw unsupported("pre_tokenizer", config);
  switch (config.type) {
    case "Sequence":
      return listOf(config.pretokenizers).flatMap(preTokenizerSteps);
    case "ByteLevel":
      return [
        ...(config.add_prefix_space === false ? [] : [prefixSpace]),
        ...(config.use_regex === false ? [] : [cutter(byteLevelWords, "Isolated")]),
        byteCharactersStep,
      ];
    case "Metaspace":
      return metaspace(config);
    case "Split": {
      const pattern = patternOf(config.pattern);
      if (!pattern) throw unsupported("pre_tokenizer.pattern", config.pattern);
      return [cutter(pattern, behaviorOf(config.behavior), config.invert === true)];
    }
    case "Punctuation":
      return [classCutter(punctuation, config.behavior === undefined ? "Isolated" : behaviorOf(config.behavior))];
    case "Digits":
      return [classCutter(numbers, config.individual_digits === true ? "Isolated" : "Contiguous")];
    case "Whitespace":
      return [cutter(plainWords, "Removed", true)];
    case "WhitespaceSplit":
      return [classCutter(whitespace, "Removed")];
    case "BertPreTokenizer":
      return [bertCutter];
    case "CharDelimiterSplit":
      return [cutter(literalPattern(String(config.delimiter)), "Removed")];
    case "FixedLength":
      return [fixedLength(Number(config.length ?? 5))];
    default:
      throw unsupported("pre_tokenizer", config.type);
  }
}

/** Cuts a text into words. `first` says whether it begins the text. */
export function preTokenize(steps: readonly PreTokenizerStep[], text: string, first: boolean): string[] {
  const words: string[] = [];
  const go = (at: number, word: string, isFirst: boolean) => {
    let text = word;
    for (let next = at; next < steps.length; next++) {
      const step = steps[next] as PreTokenizerStep;
      if (step.kind === "rewrite") {
        text = step.rewrite(text, isFirst);
        continue;
      }
      const bounds = step.cut(text);
      for (let i = 0; i < bounds.length; i += 2) {
        const start = bounds[i] as number;
        const part = text.slice(start, bounds[i + 1]);
        if (next + 1 === steps.length) words.push(part);
        else go(next + 1, part, isFirst && start === 0);
      }
      return;
    }
    words.push(text);
  };
  go(0, text, first);
  return words;
}

/** Cuts text at matches of a pattern; `behavior` says what becomes of the matches, `invert` swaps matches and gaps. */
function cutter(pattern: TextPattern, behavior: Behavior, invert = false): CutStep {
  return {
    kind: "cut",
    cut(text) {
      const matches = pattern.matches(text);
      if (behavior === "Isolated") return isolated(matches, text.length);
      const parts: Part[] = [];
      let done = 0;
      for (let i = 0; i < matches.length; i += 2) {
        const start = matches[i] as number;
        const end = matches[i + 1] as number;
        if (start > done) parts.push({ start: done, end: start, match: invert });
        parts.push({ start, end, match: !invert });
        done = end;
      }
      if (done < text.length) parts.push({ start: done, end: text.length, match: invert });
      return boundsOf(parts, behavior);
    },
  };
}

/** The same for single characters of a class. */
function classCutter(members: CharacterClass, behavior: Behavior): CutStep {
  return {
    kind: "cut",
    cut(text) {
      const parts: Part[] = [];
      let last: Part | undefined;
      for (let at = 0; at < text.length; ) {
        const match = members.has(text.codePointAt(at) as number);
        const end = stepOver(text, at);
        // Gaps go on; matches stand alone, except where they are put together or taken away anyway.
        if (last && last.match === match && (!match || behavior === "Removed" || behavior === "Contiguous")) last.end = end;
        else {
          last = { start: at, end, match };
          parts.push(last);
        }
        at = end;
      }
      return boundsOf(parts, behavior);
    },
  };
}

/** White space goes, punctuation stands alone. */
const bertCutter: CutStep = {
  kind: "cut",
  cut(text) {
    const bounds: number[] = [];
    let start = -1;
    for (let at = 0; at < text.length; ) {
      const code = text.codePointAt(at) as number;
      const end = code > 0xffff ? at + 2 : at + 1;
      const alone = punctuation.has(code);
      if (alone || whitespace.has(code)) {
        if (start >= 0) bounds.push(start, at);
        start = -1;
        if (alone) bounds.push(at, end);
      } else if (start < 0) start = at;
      at = end;
    }
    if (start >= 0) bounds.push(start, text.length);
    return bounds;
  },
};

function boundsOf(parts: readonly Part[], behavior: Behavior): number[] {
  const bounds: number[] = [];
  const isolates = behavior === "Isolated" || behavior === "Removed";
  for (const part of isolates ? parts : merge(parts, behavior))
    if (part.end > part.start && !(part.match && behavior === "Removed")) bounds.push(part.start, part.end);
  return bounds;
}

/** Matches and gaps alike; a match of nothing cuts. */
function isolated(matches: readonly number[], length: number): number[] {
  const bounds: number[] = [];
  let done = 0;
  for (let i = 0; i < matches.length; i += 2) {
    const start = matches[i] as number;
    const end = matches[i + 1] as number;
    if (start > done) bounds.push(done, start);
    if (end > start) bounds.push(start, end);
    done = end;
  }
  if (done < length) bounds.push(done, length);
  return bounds;
}

/** The place behind the character at a place. */
function stepOver(text: string, at: number): number {
  return at + ((text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1);
}

interface Part {
  start: number;
  end: number;
  match: boolean;
}

function merge(parts: readonly Part[], behavior: Behavior): Part[] {
  const words: Part[] = [];
  let previous: boolean | undefined;
  const forward = behavior !== "MergedWithNext";
  for (const part of forward ? parts : parts.toReversed()) {
    const last = words.at(-1);
    const joins = last && (behavior === "Contiguous" ? part.match === previous : part.match && previous === false);
    if (last && joins) {
      last.start = Math.min(last.start, part.start);
      last.end = Math.max(last.end, part.end);
    } else words.push({ ...part });
    previous = part.match;
  }
  return forward ? words : words.reverse();
}

function metaspace(config: Record<string, unknown>): PreTokenizerStep[] {
  const mark = typeof config.replacement === "string" ? config.replacement : "▁";
  const scheme = config.prepend_scheme ?? (config.add_prefix_space === false ? "never" : "always");
  const prepends = (marked: string, first: boolean) =>
    marked !== "" && !marked.startsWith(mark) && (scheme === "always" || (scheme === "first" && first));
  const marked = (text: string) => (text.includes(" ") ? text.replaceAll(" ", mark) : text);
  const rewrite: RewriteStep = {
    kind: "rewrite",
    asksFirst: scheme === "first",
    rewrite(text, first) {
      const changed = marked(text);
      return prepends(changed, first) ? mark + changed : changed;
    },
    // The mark is one unit, as the space is.
    align(text, first) {
      const changed = marked(text);
      return prepends(changed, first) ? prefixed(mark, changed) : { text: changed };
    },
  };
  return [rewrite, ...(config.split === false ? [] : [cutBefore(mark)])];
}

/** A word begins at every mark. */
function cutBefore(mark: string): CutStep {
  return {
    kind: "cut",
    cut(text) {
      const bounds: number[] = [];
      let start = 0;
      for (let at = text.indexOf(mark, 1); at >= 0; at = text.indexOf(mark, at + 1)) {
        bounds.push(start, at);
        start = at;
      }
      if (start < text.length) bounds.push(start, text.length);
      return bounds;
    },
  };
}

const prefixSpace: RewriteStep = {
  kind: "rewrite",
  rewrite: (text) => (text === "" || text.startsWith(" ") ? text : ` ${text}`),
  align: (text) => (text.startsWith(" ") ? { text } : prefixed(" ", text)),
};

const byteCharactersStep: RewriteStep = { kind: "rewrite", bytes: true, rewrite: toByteCharacters, align: alignByteCharacters };

function fixedLength(length: number): CutStep {
  return {
    kind: "cut",
    cut(text) {
      const bounds: number[] = [];
      let start = 0;
      let characters = 0;
      for (let at = 0; at < text.length; ) {
        at = stepOver(text, at);
        if (++characters % length !== 0 && at < text.length) continue;
        bounds.push(start, at);
        start = at;
      }
      return bounds;
    },
  };
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
