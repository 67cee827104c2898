/** The 16 values of a 4-bit float: sign, two bits of exponent, one of mantissa. */
const values = [0, 0.5, 1, 1.5, 2, 3, 4, 6, -0, -0.5, -1, -1.5, -2, -3, -4, -6];

/**
 * Values of MXFP4: each 16 bytes of `blocks` hold 32 numbers (the low half of a byte first), which share one byte of
 * `scales`, an exponent with 127 added. Source: OCP Microscaling Formats (MX) v1.0; the layout is that of gpt-oss.
 */
export function fromMxfp4(blocks: Uint8Array, scales: Uint8Array): Float32Array {
  const out = new Float32Array(blocks.length * 2);
  for (let i = 0; i < blocks.length; i++) {
    const scale = 2 ** (scales[i >> 4]! - 127);
    out[2 * i] = values[blocks[i]! & 15]! * scale;
    out[2 * i + 1] = values[blocks[i]! >> 4]! * scale;
  }
  return out;
}
