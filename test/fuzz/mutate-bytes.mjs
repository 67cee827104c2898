/** Damage to bytes, whatever they mean. */

const telling = [0, 1, 0x0a, 0x22, 0x5b, 0x7b, 0x7f, 0x80, 0xc0, 0xed, 0xf8, 0xfe, 0xff];

/**
 * The bytes with one to four damages: flipped bits, telling bytes, parts cut out, doubled or moved, an early end.
 *
 * @param {Uint8Array} bytes
 * @param {import("./random.mjs").Random} random
 * @returns {Uint8Array}
 */
export function mutateBytes(bytes, random) {
  let result = Uint8Array.from(bytes);
  for (let left = random.pick([1, 1, 2, 4]); left > 0; left--) result = damageOnce(result, random);
  return result;
}

function damageOnce(bytes, random) {
  const at = random.below(bytes.length + 1);
  const end = Math.min(bytes.length, at + 1 + random.below(random.pick([4, 32, 512])));
  const part = bytes.slice(at, end);
  switch (random.below(7)) {
    case 0:
      if (at < bytes.length) bytes[at] ^= 1 << random.below(8);
      return bytes;
    case 1:
      if (at < bytes.length) bytes[at] = random.pick(telling);
      return bytes;
    case 2:
      return bytes.slice(0, at);
    case 3:
      return join(bytes.slice(0, at), bytes.slice(end));
    case 4:
      return join(bytes.slice(0, end), part, bytes.slice(end));
    case 5:
      return join(bytes.slice(0, at), new Uint8Array(random.below(64)).fill(random.pick(telling)), bytes.slice(at));
    default: {
      const rest = join(bytes.slice(0, at), bytes.slice(end));
      const other = random.below(rest.length + 1);
      return join(rest.slice(0, other), part, rest.slice(other));
    }
  }
}

function join(...parts) {
  return new Uint8Array(Buffer.concat(parts));
}
