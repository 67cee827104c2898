import type { Trim } from "./post-processor.ts";
import type { Offset } from "./tokenizer.ts";

/** Places of characters: `points[unit]` is the code point that a UTF-16 unit belongs to, `units[point]` its first unit. */
export interface TextPlaces {
  points: Int32Array;
  units: Int32Array;
}

/** The places of a text in which units and code points are not the same; undefined for other texts. */
export function placesOf(text: string): TextPlaces | undefined {
  if (!/[\ud800-\udbff][\udc00-\udfff]/.test(text)) return undefined;
  const points = new Int32Array(text.length + 1);
  const units = new Int32Array(text.length + 1);
  let point = 0;
  for (let at = 0; at < text.length; point++) {
    units[point] = at;
    points[at++] = point;
    if (at < text.length && (text.codePointAt(at - 1) as number) > 0xffff) points[at++] = point;
  }
  points[text.length] = point;
  units[point] = text.length;
  return { points, units };
}

/** Start and end of each token in code points. */
export function toOffsets(ranges: readonly number[], places: TextPlaces | undefined): Offset[] {
  const points = places?.points;
  const offsets: Offset[] = [];
  for (let i = 0; i < ranges.length; i += 2) {
    const [start, end] = [ranges[i] as number, ranges[i + 1] as number];
    offsets.push(points ? [points[start] as number, points[end] as number] : [start, end]);
  }
  return offsets;
}

/** The same in UTF-16 units. */
export function toUnits(offsets: readonly Offset[], places: TextPlaces | undefined): Offset[] {
  if (!places) return [...offsets];
  return offsets.map(([start, end]) => [places.units[start] as number, places.units[end] as number]);
}

/** Units that count as spaces at the ends of tokens: white space, and what stands for a space in byte-level tokens. */
const spaces = new Uint8Array(0x10000);
for (const [first, last] of [
  ...[
    [0x09, 0x0d],
    [0x20, 0x20],
    [0x85, 0x85],
    [0xa0, 0xa0],
    [0x120, 0x120],
    [0x1680, 0x1680],
  ],
  ...[
    [0x2000, 0x200a],
    [0x2028, 0x2029],
    [0x202f, 0x202f],
    [0x205f, 0x205f],
    [0x3000, 0x3000],
  ],
] as [number, number][])
  spaces.fill(1, first, last + 1);

/**
 * Takes spaces at the ends of tokens off their offsets, in place. The one space that the pre-tokenizer put in front of a
 * text is not taken off, since it stands for none of it.
 *
 * Source: huggingface/tokenizers `process_offsets`.
 */
export function trimOffsets(offsets: readonly Offset[], tokens: readonly string[], { addPrefixSpace, first }: Trim): void {
  for (let i = 0; i < offsets.length; i++) {
    const token = tokens[i] as string;
    const offset = offsets[i] as Offset;
    let leading = 0;
    while (leading < token.length && spaces[token.charCodeAt(leading)] === 1) leading++;
    let trailing = 0;
    while (trailing < token.length && spaces[token.charCodeAt(token.length - 1 - trailing)] === 1) trailing++;
    if (leading === 1 && addPrefixSpace && ((first && i === 0) || offset[0] === 0)) leading = 0;
    if (leading > 0) offset[0] = Math.min(offset[0] + leading, offset[1]);
    if (trailing > 0 && offset[1] >= trailing) offset[1] = Math.max(offset[1] - trailing, offset[0]);
  }
}
