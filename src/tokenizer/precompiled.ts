import { TsumugiError } from "../errors.ts";
import { TextBuilder, widthAt } from "./aligned-text.ts";
import { graphemeRuns } from "./grapheme-runs.ts";
import type { Normalizer } from "./normalizers.ts";

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
  const { trie, replacements } = parse(charsmap);
  const encoder = new TextEncoder();
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const known = new Map<string, string | undefined>();

  const replacementOf = (part: string): string | undefined => {
    // Graphemes of more than 5 bytes have none. They are not remembered either: that would keep all of their text in memory.
    if (part.length > 5) return undefined;
    if (known.has(part)) return known.get(part);
    const bytes = encoder.encode(part);
    let found: string | undefined;
    const at = bytes.length < 6 ? shortestMatch(trie, bytes) : undefined;
    if (at !== undefined) {
      const end = replacements.indexOf(0, at);
      found = decoder.decode(replacements.subarray(at, end < 0 ? replacements.length : end));
    }
    if (known.size > 20_000) known.clear();
    known.set(part, found);
    return found;
  };
  /** By unit: 1 where no replacement begins with it, 2 where one does, 0 where that has not been looked up. */
  const beginnings = new Uint8Array(0x10000);
  const begins = (text: string, at: number): boolean => {
    const unit = text.charCodeAt(at);
    if (beginnings[unit] === 0) {
      const surrogate = unit >= 0xd800 && unit < 0xe000;
      beginnings[unit] = surrogate || hasPath(trie, encoder.encode(String.fromCharCode(unit))) ? 2 : 1;
    }
    return beginnings[unit] === 2;
  };

  const visit = (text: string, visitor: Visitor) => {
    let kept = 0;
    const take = (part: string): boolean => {
      const replacement = replacementOf(part);
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
        for (let at = start; at < end; at++) if (begins(text, at)) return true;
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
  };

  return {
    normalize(text) {
      const parts: string[] = [];
      let at = 0;
      visit(text, {
        keep(units) {
          parts.push(text.slice(at, at + units));
          at += units;
        },
        replace(part, replacement) {
          parts.push(replacement);
          at += part.length;
        },
      });
      return parts.join("");
    },
    align(text) {
      // As in the Rust library: a list of characters with their changes, where a part that becomes nothing is taken off the
      // change of the character before it, whatever that is.
      const characters: string[] = [];
      const changes: number[] = [];
      let at = 0;
      let modified = false;
      visit(text, {
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
    },
  };
}

const offset = (unit: number) => (unit >>> 10) << ((unit & (1 << 9)) >>> 6);

/** The value of the shortest prefix of `key` that the trie knows. */
function shortestMatch(trie: Uint32Array, key: Uint8Array): number | undefined {
  let at = offset(trie[0] ?? 0);
  for (const byte of key) {
    if (byte === 0) return undefined;
    at ^= byte;
    const unit = trie[at] ?? 0;
    // The label of a node is its byte; the top bit marks values.
    if ((unit & 0x8000_00ff) >>> 0 !== byte) return undefined;
    at ^= offset(unit);
    if ((unit >>> 8) & 1) return (trie[at] ?? 0) & 0x7fff_ffff;
  }
  return undefined;
}

/** Whether a key of the trie begins with, or is, the beginning of `key`. */
function hasPath(trie: Uint32Array, key: Uint8Array): boolean {
  let at = offset(trie[0] ?? 0);
  for (const byte of key) {
    if (byte === 0) return false;
    at ^= byte;
    const unit = trie[at] ?? 0;
    if ((unit & 0x8000_00ff) >>> 0 !== byte) return false;
    at ^= offset(unit);
    if ((unit >>> 8) & 1) return true;
  }
  return true;
}

/** Bytes of the trie, the trie as 32-bit words, then the replacements, each ended by a zero byte; all little-endian. */
function parse(charsmap: string): { trie: Uint32Array; replacements: Uint8Array } {
  const bytes = Uint8Array.from(atob(charsmap), (character) => character.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  const size = bytes.length >= 4 ? view.getUint32(0, true) : 0;
  if (size === 0 || size % 4 !== 0 || 4 + size > bytes.length)
    throw new TsumugiError("unsupported_tokenizer", {
      what: "normalizer.precompiled_charsmap",
      given: `${bytes.length} bytes`,
    });
  const trie = Uint32Array.from({ length: size / 4 }, (_, i) => view.getUint32(4 + 4 * i, true));
  return { trie, replacements: bytes.subarray(4 + size) };
}
