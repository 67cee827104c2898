/** Two byte strings, one after the other. */
export function joinBytes(a: Uint8Array, b: Uint8Array): Uint8Array {
  const result = new Uint8Array(a.length + b.length);
  result.set(a);
  result.set(b, a.length);
  return result;
}

/** Whether `part` occurs in `whole` with its end among the last `own` bytes. */
export function endsWithin(whole: Uint8Array, part: Uint8Array, own: number): boolean {
  for (let end = Math.max(part.length, whole.length - own + 1); end <= whole.length; end++) {
    if (occursBefore(whole, part, end)) return true;
  }
  return false;
}

function occursBefore(whole: Uint8Array, part: Uint8Array, end: number): boolean {
  const start = end - part.length;
  for (let i = 0; i < part.length; i++) if (whole[start + i] !== part[i]) return false;
  return true;
}
