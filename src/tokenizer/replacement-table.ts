import { TsumugiError } from "../errors.ts";

/** `precompiled_charsmap` of SentencePiece: replacements of short pieces of text, in a double-array trie over UTF-8. */
export class ReplacementTable {
  readonly #trie: Uint32Array;
  readonly #replacements: Uint8Array;
  readonly #encoder = new TextEncoder();
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  readonly #known = new Map<string, string | undefined>();
  /** Says of each unit of UTF-16: 1 where no replacement begins with it, 2 where one does, 0 where that has not been looked up. */
  readonly #beginnings = new Uint8Array(0x10000);

  /** `charsmap` is in base64. Error: `unsupported_tokenizer`. */
  constructor(charsmap: string) {
    const { trie, replacements } = parse(charsmap);
    this.#trie = trie;
    this.#replacements = replacements;
  }

  /** What takes the place of a part of a text; undefined where it stays. */
  replacementOf(part: string): string | undefined {
    // Graphemes of more than 5 bytes have none. They are not remembered either: that would keep all of their text in memory.
    if (part.length > 5) return undefined;
    if (this.#known.has(part)) return this.#known.get(part);
    const bytes = this.#encoder.encode(part);
    let found: string | undefined;
    const at = bytes.length < 6 ? shortestMatch(this.#trie, bytes) : undefined;
    if (at !== undefined) {
      const end = this.#replacements.indexOf(0, at);
      found = this.#decoder.decode(this.#replacements.subarray(at, end < 0 ? this.#replacements.length : end));
    }
    if (this.#known.size > 20_000) this.#known.clear();
    this.#known.set(part, found);
    return found;
  }

  /** Whether something that is replaced may begin with a UTF-16 unit. */
  begins(unit: number): boolean {
    if (this.#beginnings[unit] === 0) {
      const surrogate = unit >= 0xd800 && unit < 0xe000;
      this.#beginnings[unit] = surrogate || hasPath(this.#trie, this.#encoder.encode(String.fromCharCode(unit))) ? 2 : 1;
    }
    return this.#beginnings[unit] === 2;
  }
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
