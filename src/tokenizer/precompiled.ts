import { type AlignedText, TextBuilder, widthAt } from "./aligned-text.ts";
import { graphemeRuns } from "./grapheme-runs.ts";
import type { Normalizer } from "./normalizer.ts";
import { ReplacementTable } from "./replacement-table.ts";
import type { TextGrowth } from "./text-growth.ts";

/** What becomes of a text, from left to right: units that stay, and parts that are replaced. */
interface Visitor {
  keep(units: number): void;
  replace(part: string, replacement: string): void;
}

/**
 * SentencePiece's `Precompiled` normaliser: a table of replacements in a double-array trie over UTF-8.
 *
 * Text is taken by graphemes, as tokenizers does: a short grapheme that has a replacement gets it whole, others character by
 * character. (The library approximates this with NFKC, which differs for half-width voiced kana and joined emoji.)
 *
 * Source: google/sentencepiece `normalizer.cc`, s-yata/darts-clone, huggingface/spm_precompiled.
 */
export function createPrecompiledNormalizer(charsmap: string): Normalizer {
  const table = new ReplacementTable(charsmap);
  return { normalize: (text, growth) => normalize(table, text, growth), align: (text, growth) => align(table, text, growth) };
}

/** Takes a text apart by graphemes: a short one that has a replacement gets it whole, others character by character. */
function visit(table: ReplacementTable, text: string, visitor: Visitor): void {
  let kept = 0;
  const take = (part: string): boolean => {
    const replacement = table.replacementOf(part);
    if (replacement === undefined) return false;
    if (kept > 0) visitor.keep(kept);
    kept = 0;
    visitor.replace(part, replacement);
    return true;
  };
  graphemeRuns(
    text,
    // Characters with which no replacement begins are not replaced, nor is a grapheme of such ones alone.
    (start, end) => {
      for (let at = start; at < end; at++) if (table.begins(text.charCodeAt(at))) return true;
      kept += end - start;
      return false;
    },
    (start, end) => {
      if (take(text.slice(start, end))) return;
      for (let at = start; at < end; ) {
        const width = widthAt(text, at);
        if (width === end - start || !take(text.slice(at, at + width))) kept += width;
        at += width;
      }
    },
  );
  if (kept > 0) visitor.keep(kept);
}

/** The text with its replacements. */
function normalize(table: ReplacementTable, text: string, growth: TextGrowth): string {
  const parts: string[] = [];
  let at = 0;
  let length = text.length;
  visit(table, text, {
    keep(units) {
      parts.push(text.slice(at, at + units));
      at += units;
    },
    replace(part, replacement) {
      length += replacement.length - part.length;
      growth.check(length);
      parts.push(replacement);
      at += part.length;
    },
  });
  return parts.join("");
}

/**
 * The same with where it comes from, as in the Rust library: a list of characters with their changes, where a part that
 * becomes nothing is taken off the change of the character before it, whatever that is.
 */
function align(table: ReplacementTable, text: string, growth: TextGrowth): AlignedText {
  let length = text.length;
  const characters: string[] = [];
  const changes: number[] = [];
  let at = 0;
  let modified = false;
  visit(table, text, {
    keep(units) {
      for (const character of text.slice(at, at + units)) {
        characters.push(character);
        changes.push(0);
      }
      at += units;
    },
    replace(part, replacement) {
      modified = true;
      at += part.length;
      length += replacement.length - part.length;
      growth.check(length);
      const old = Array.from(part).length;
      let count = 0;
      for (const character of replacement) {
        characters.push(character);
        changes.push(count++ < old ? 0 : 1);
      }
      if (count < old && changes.length > 0) changes[changes.length - 1] = (changes.at(-1) as number) + count - old;
    },
  });
  if (!modified) return { text };
  const builder = new TextBuilder(text);
  for (const [i, character] of characters.entries()) builder.add(character, changes[i] as number);
  return builder.finish();
}
