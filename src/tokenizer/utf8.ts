/** How many bytes of UTF-8 a character has. Half a surrogate pair counts as U+FFFD, which it is written as. */
export function utf8Length(codePoint: number): number {
  return codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;
}

/** Writes a character as UTF-8 at `at`; gives the place behind it. */
export function writeUtf8(codePoint: number, into: Uint8Array | number[], at: number): number {
  let to = at;
  const code = codePoint >= 0xd800 && codePoint < 0xe000 ? 0xfffd : codePoint;
  if (code < 0x80) {
    into[to++] = code;
  } else if (code < 0x800) {
    into[to++] = 0xc0 | (code >> 6);
    into[to++] = 0x80 | (code & 63);
  } else {
    if (code < 0x10000) {
      into[to++] = 0xe0 | (code >> 12);
    } else {
      into[to++] = 0xf0 | (code >> 18);
      into[to++] = 0x80 | ((code >> 12) & 63);
    }
    into[to++] = 0x80 | ((code >> 6) & 63);
    into[to++] = 0x80 | (code & 63);
  }
  return to;
}
