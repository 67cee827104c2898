import { TsumugiError } from "../errors.ts";
import { isRecord, listOf } from "../util/json-value.ts";
import { type AlignedText, compose, TextBuilder, widthAt } from "./aligned-text.ts";
import { byteCharacters, toByteCharacters } from "./byte-characters.ts";
import { controlPattern, markPattern, nonspacingMarkPattern } from "./library-unicode.ts";
import type { Normalizer } from "./normalizer.ts";
import { checkGrowth, patternOf } from "./patterns/index.ts";
import { createPrecompiledNormalizer } from "./precompiled.ts";
import { alignForm, type Form, normalizeForm } from "./unicode-forms.ts";

/**
 * The normaliser that `normalizer` of a tokenizer.json describes; undefined for none. Errors: `unsupported_tokenizer`; when it
 * is used, `text_outgrown`.
 *
 * Source: huggingface/tokenizers `normalizers/`, `NormalizedString`.
 */
export function createNormalizer(config: unknown): Normalizer | undefined {
  if (config === null || config === undefined) return undefined;
  if (!isRecord(config)) throw unsupported(config);
  switch (config.type) {
    case "Sequence": {
      const steps = listOf(config.normalizers).flatMap((step) => createNormalizer(step) ?? []);
      return sequence(steps);
    }
    case "NFC":
    case "NFD":
    case "NFKC":
    case "NFKD":
      return unicodeForm(config.type);
    case "Lowercase":
      return lowercase;
    case "StripAccents":
      return removal(new RegExp(markPattern, "gu"));
    case "Strip":
      return strip(config.strip_left !== false, config.strip_right !== false);
    case "Prepend":
      return prepend(String(config.prepend ?? ""));
    case "Replace":
      return replacement(config);
    case "BertNormalizer":
      return bert(config);
    case "Nmt":
      return sequence([removal(/[\u0001-\u0008\u000b\u000e-\u001f\u007f\u008f\u009f]/gu), nmtSpaces]);
    case "ByteLevel":
      return byteLevel;
    case "Precompiled":
      return config.precompiled_charsmap ? createPrecompiledNormalizer(String(config.precompiled_charsmap)) : undefined;
    default:
      throw unsupported(config.type);
  }
}

function sequence(steps: readonly Normalizer[]): Normalizer {
  return {
    normalize: (text, growth) =>
      steps.reduce((done, step) => {
        const changed = step.normalize(done, growth);
        growth.check(changed.length);
        return changed;
      }, text),
    align: (text, growth) =>
      steps.reduce<AlignedText>(
        (done, step) => {
          const changed = step.align(done.text, growth);
          growth.check(changed.text.length);
          return compose(done, changed);
        },
        { text },
      ),
  };
}

function unicodeForm(form: Form): Normalizer {
  return { normalize: (text) => normalizeForm(text, form), align: (text) => alignForm(text, form) };
}

/** Character by character: a sigma at the end of a word is like any other. */
const lower = (text: string) => text.replaceAll("\u03a3", "\u03c3").toLowerCase();

const lowercase: Normalizer = {
  normalize: lower,
  align(text) {
    const changed = lower(text);
    if (changed.length === text.length) return { text: changed };
    const builder = new TextBuilder(text);
    for (const character of text) builder.replace(lower(character));
    return builder.finish();
  },
};

/** Leaves out what a pattern of single characters matches. */
function removal(pattern: RegExp): Normalizer {
  return {
    normalize: (text) => text.replace(pattern, ""),
    align(text) {
      const builder = new TextBuilder(text);
      let done = 0;
      for (const found of text.matchAll(pattern)) {
        builder.keep(found.index - done);
        builder.skip(1);
        done = found.index + found[0].length;
      }
      if (done === 0) return { text };
      builder.keep(text.length - done);
      return builder.finish();
    },
  };
}

/** Puts a character in the place of each that a pattern matches (both of one UTF-16 unit). */
function exchange(pattern: RegExp, character: string): Normalizer {
  const normalize = (text: string) => text.replace(pattern, character);
  return { normalize, align: (text) => ({ text: normalize(text) }) };
}

const nmtSpaces = exchange(/[\t\n\f\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]/g, " ");

function strip(left: boolean, right: boolean): Normalizer {
  const bounds = (text: string): [number, number] => {
    let [start, end] = [0, text.length];
    if (left) while (start < end && /\p{White_Space}/u.test(text[start] as string)) start++;
    if (right) while (end > start && /\p{White_Space}/u.test(text[end - 1] as string)) end--;
    return [start, end];
  };
  return {
    normalize: (text) => text.slice(...bounds(text)),
    align(text) {
      const [start, end] = bounds(text);
      const builder = new TextBuilder(text);
      builder.skipTo(start);
      builder.keep(end - start);
      return builder.finish();
    },
  };
}

/** What is put in front stands for the first character. */
function prepend(text: string): Normalizer {
  return {
    normalize(given, growth) {
      growth.check(text.length + given.length);
      return given === "" ? "" : text + given;
    },
    align(given, growth) {
      growth.check(text.length + given.length);
      return prefixed(text, given);
    },
  };
}

/** A text with another in front of it, which stands for its first character. */
export function prefixed(prefix: string, text: string): AlignedText {
  if (text === "" || prefix === "") return { text };
  const from = new Int32Array(prefix.length + text.length);
  for (let at = 0; at < text.length; ) {
    const width = widthAt(text, at);
    from.fill(at, prefix.length + at, prefix.length + at + width);
    at += width;
  }
  return { text: prefix + text, from };
}

/** What is put in the place of a match stands for the last character of it. */
function replacement(config: Record<string, unknown>): Normalizer {
  const content = String(config.content ?? "");
  const pattern = patternOf(config.pattern);
  if (!pattern) throw unsupported(config);
  return {
    normalize: (text, growth) => pattern.replace(text, content, growth),
    align(text, growth) {
      const matches = pattern.matches(text);
      if (matches.length === 0) return { text };
      checkGrowth(text, matches, content, growth);
      const builder = new TextBuilder(text);
      let done = 0;
      for (let i = 0; i < matches.length; i += 2) {
        builder.keep((matches[i] as number) - done);
        done = matches[i + 1] as number;
        builder.skipTo(done);
        builder.add(content, 1);
      }
      builder.keep(text.length - done);
      return builder.finish();
    },
  };
}

const ideographs =
  /[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\u{2f800}-\u{2fa1f}]/gu;

const spacedIdeographs: Normalizer = {
  normalize: (text) => text.replace(ideographs, " $& "),
  align(text) {
    const builder = new TextBuilder(text);
    let done = 0;
    for (const found of text.matchAll(ideographs)) {
      builder.keep(found.index - done);
      builder.replace(` ${found[0]} `);
      done = found.index + found[0].length;
    }
    if (done === 0) return { text };
    builder.keep(text.length - done);
    return builder.finish();
  },
};

function bert(config: Record<string, unknown>): Normalizer {
  const steps: Normalizer[] = [];
  if (config.clean_text !== false) {
    // Control characters, except tab and line ends, which become spaces.
    steps.push(removal(new RegExp(controlPattern, "gu")), exchange(/\p{White_Space}/gu, " "));
  }
  if (config.handle_chinese_chars !== false) steps.push(spacedIdeographs);
  const lowers = config.lowercase !== false;
  if (typeof config.strip_accents === "boolean" ? config.strip_accents : lowers)
    steps.push(unicodeForm("NFD"), removal(new RegExp(nonspacingMarkPattern, "gu")));
  if (lowers) steps.push(lowercase);
  return sequence(steps);
}

const byteLevel: Normalizer = {
  normalize: toByteCharacters,
  align: alignByteCharacters,
};

/** A text in the characters that stand for its bytes. */
export function alignByteCharacters(text: string): AlignedText {
  const builder = new TextBuilder(text);
  for (const character of text)
    builder.replace(character < "\u0080" ? (byteCharacters[character.charCodeAt(0)] as string) : toByteCharacters(character));
  return builder.finish();
}

function unsupported(given: unknown): TsumugiError {
  return new TsumugiError("unsupported_tokenizer", { what: "normalizer", given });
}
