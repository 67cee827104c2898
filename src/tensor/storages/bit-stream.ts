/** Words of 32 bits, little-endian. The bytes need not be aligned. */
export function readWords(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.slice().buffer);
}

/**
 * Code `index` of a stream of codes of a few bits, the lowest bits of a word first; codes may straddle two words.
 *
 * @param words - the stream is every `stride`th of them from `start` on
 */
export function codeAt(words: Uint32Array, start: number, stride: number, index: number, bits: number): number {
  const bit = index * bits;
  const at = start + (bit >>> 5) * stride;
  const shift = bit & 31;
  const low = words[at]! >>> shift;
  const high = shift + bits > 32 ? words[at + stride]! << (32 - shift) : 0;
  return (low | high) & ((1 << bits) - 1);
}

/** Words of 32 bits that hold a stream of so many codes. */
export function streamWords(count: number, bits: number): number {
  return Math.ceil((count * bits) / 32);
}
