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
  const at = (unit: number) => (places ? (places.points[unit] as number) : unit);
  const offsets = new Array<Offset>(ranges.length / 2);
  for (let i = 0; i < offsets.length; i++) offsets[i] = [at(ranges[2 * i] as number), at(ranges[2 * i + 1] as number)];
  return offsets;
}

/** The same in UTF-16 units. */
export function toUnits(offsets: readonly Offset[], places: TextPlaces | undefined): Offset[] {
  if (!places) return [...offsets];
  return offsets.map(([start, end]) => [places.units[start] as number, places.units[end] as number]);
}

/**
 * Takes spaces at the ends of tokens off their offsets. The one space that the pre-tokenizer put in front of a text is not
 * taken off, since it stands for none of it.
 *
 * Source: huggingface/tokenizers `process_offsets`.
 */
export function trimOffsets(offsets: readonly Offset[], tokens: readonly string[], { addPrefixSpace }: Trim): Offset[] {
  return offsets.map(([start, end], i): Offset => {
    const token = tokens[i] ?? "";
    let leading = /^[Ġ\p{White_Space}]*/u.exec(token)?.[0].length ?? 0;
    const trailing = trailingSpaces(token);
    if (leading === 0 && trailing === 0) return [start, end];
    if ((i === 0 || start === 0) && addPrefixSpace && leading === 1) leading = 0;
    const from = Math.min(start + leading, end);
    return [from, trailing > 0 && end >= trailing ? Math.max(end - trailing, from) : end];
  });
}

function trailingSpaces(token: string): number {
  let count = 0;
  while (count < token.length && /[Ġ\p{White_Space}]/u.test(token[token.length - 1 - count] as string)) count++;
  return count;
}
