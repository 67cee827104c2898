import { TsumugiError } from "../errors.ts";

/**
 * SentencePiece's `Precompiled` normaliser: a table of replacements in a double-array trie over UTF-8.
 *
 * Text is taken by graphemes, as tokenizers does: a short grapheme that has a replacement gets it whole, others character by
 * character. (The library approximates this with NFKC, which differs for half-width voiced kana and joined emoji.)
 *
 * Source: google/sentencepiece `normalizer.cc`, s-yata/darts-clone, huggingface/spm_precompiled.
 */
export function createPrecompiledNormalizer(charsmap: string): (text: string) => string {
  const { trie, replacements } = parse(charsmap);
  const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });
  const encoder = new TextEncoder();
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

  const replacementOf = (bytes: Uint8Array): string | undefined => {
    const at = shortestMatch(trie, bytes);
    if (at === undefined) return undefined;
    const end = replacements.indexOf(0, at);
    return decoder.decode(replacements.subarray(at, end < 0 ? replacements.length : end));
  };

  return (text) => {
    let out = "";
    for (const { segment } of graphemes.segment(text)) {
      const bytes = encoder.encode(segment);
      const whole = bytes.length < 6 ? replacementOf(bytes) : undefined;
      if (whole !== undefined) {
        out += whole;
        continue;
      }
      for (const character of segment) out += replacementOf(encoder.encode(character)) ?? character;
    }
    return out;
  };
}

/** The value of the shortest prefix of `key` that the trie knows. */
function shortestMatch(trie: Uint32Array, key: Uint8Array): number | undefined {
  const offset = (unit: number) => (unit >>> 10) << ((unit & (1 << 9)) >>> 6);
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
