import { readFileSync } from "node:fs";

const { fragments, ranges } = JSON.parse(
  readFileSync(new URL("../fixtures/tokenizers-mixed/parts.json", import.meta.url), "utf8"),
) as { fragments: string[]; ranges: [number, number][] };

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** The lines of tools/golden/make_mixed_fixtures.py: fragments of many scripts, random characters and numbers. */
export function mixedLines(count: number): string[] {
  let state = 20261121n;
  const below = (n: number): number => {
    state = (state * 1664525n + 1013904223n) & 0xffff_ffffn;
    return Number((state * BigInt(n)) >> 32n);
  };
  return Array.from({ length: count }, () => {
    let out = "";
    for (let parts = 1 + below(14); parts > 0; parts--) {
      const kind = below(10);
      if (kind < 7) out += fragments[below(fragments.length)];
      else if (kind < 9) {
        const [first = 0, last = 0] = ranges[below(ranges.length)] ?? [];
        for (let left = 1 + below(4); left > 0; left--) out += String.fromCodePoint(first + below(last - first + 1));
      } else out += below(10 ** (1 + below(7)));
      if (below(3) > 0) out += " ";
    }
    return out;
  });
}

/** Two characters, 12 bits, that stand for a value: FNV-1a of its JSON. */
export function shortHash(value: unknown): string {
  let hash = 0x811c9dc5;
  // Python's json writes U+007F as it is, and JSON.stringify lone surrogates escaped; there are none here.
  for (const byte of new TextEncoder().encode(JSON.stringify(value))) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  const bits = (hash ^ (hash >>> 12) ^ (hash >>> 24)) & 4095;
  return `${alphabet[bits >> 6]}${alphabet[bits & 63]}`;
}
