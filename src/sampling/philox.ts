const multiplier0 = 0xd2511f53;
const multiplier1 = 0xcd9e8d57;
const weyl0 = 0x9e3779b9;
const weyl1 = 0xbb67ae85;
const rounds = 10;

/**
 * Philox4x32-10: four random words of a counter of four words and a key of two. It has no state, so that any word of any
 * stream is found at once.
 *
 * Source: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (2011); the tests hold the known answers
 * of its library, Random123.
 */
export function philox4x32(counter: Int32Array, key0: number, key1: number, out: Int32Array): void {
  let c0 = counter[0]!;
  let c1 = counter[1]!;
  let c2 = counter[2]!;
  let c3 = counter[3]!;
  for (let round = 0; round < rounds; round++) {
    const high0 = upperHalf(multiplier0, c0);
    const high1 = upperHalf(multiplier1, c2);
    const low0 = Math.imul(multiplier0, c0);
    const low1 = Math.imul(multiplier1, c2);
    c0 = high1 ^ c1 ^ key0;
    c1 = low1;
    c2 = high0 ^ c3 ^ key1;
    c3 = low0;
    key0 = (key0 + weyl0) | 0;
    key1 = (key1 + weyl1) | 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/** The upper 32 bits of the product of two unsigned words. No partial sum exceeds 32 bits. */
function upperHalf(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const other = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + (middle >>> 16) + (other >>> 16)) | 0;
}

/**
 * The words of one stream, by place: word w is word w mod 4 of the counter (⌊w / 4⌋, position), under the key `seed`; each of
 * the three is 64 bits, low word first.
 *
 * @param seed 0 ≤ seed ≤ 2⁵³ − 1
 * @param position 0 ≤ position ≤ 2⁵³ − 1
 */
export function philoxWords(seed: number, position: number): (place: number) => number {
  const key0 = seed | 0;
  const key1 = Math.floor(seed / 2 ** 32) | 0;
  const counter = Int32Array.of(0, 0, position, Math.floor(position / 2 ** 32));
  const words = new Int32Array(4);
  let held = -1;
  return (place) => {
    const block = Math.floor(place / 4);
    if (block !== held) {
      counter[0] = block;
      counter[1] = Math.floor(block / 2 ** 32);
      philox4x32(counter, key0, key1, words);
      held = block;
    }
    return words[place - 4 * block]! >>> 0;
  };
}
