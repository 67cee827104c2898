import { isPythonSpace } from "../../util/python-space.ts";
import type { Runtime } from "./runtime.ts";

const surrogates = /[\ud800-\udbff][\udc00-\udfff]/;

/**
 * The code points of a text, as texts; undefined where each is one UTF-16 unit, and the text can be indexed as it is. The
 * answer is remembered for the text that was asked for last, so that a loop over its indices stays linear.
 */
export function pointsOf(runtime: Runtime, text: string): readonly string[] | undefined {
  const { points } = runtime;
  if (points.text === text) return points.points;
  runtime.budget.text(text.length);
  points.points = surrogates.test(text) ? Array.from(text) : undefined;
  if (points.points) runtime.budget.spend(points.points.length);
  points.text = text;
  return points.points;
}

/** `len()` of a text. */
export function lengthOf(runtime: Runtime, text: string): number {
  return (pointsOf(runtime, text) ?? text).length;
}

/** The code points [start, end) of a text. */
export function sliceOf(runtime: Runtime, text: string, start: number, end: number): string {
  const points = pointsOf(runtime, text);
  runtime.budget.text(Math.max(0, Math.min(end, text.length) - start));
  return points ? points.slice(start, end).join("") : text.slice(start, end);
}

/** UTF-16 unit at which code point `index` begins. */
export function unitAt(runtime: Runtime, text: string, index: number): number {
  const points = pointsOf(runtime, text);
  if (!points) return index;
  runtime.budget.spend(index);
  let unit = 0;
  for (let i = 0; i < index; i++) unit += (points[i] as string).length;
  return unit;
}

/** Index of the code point that begins at a UTF-16 unit. */
export function pointAt(runtime: Runtime, text: string, unit: number): number {
  if (unit <= 0 || !pointsOf(runtime, text)) return unit;
  runtime.budget.text(unit);
  let count = 0;
  for (let i = 0; i < unit; i++) {
    const at = text.charCodeAt(i);
    if (at >= 0xd800 && at <= 0xdbff && i + 1 < text.length) {
      const next = text.charCodeAt(i + 1);
      if (next >= 0xdc00 && next <= 0xdfff) i += 1;
    }
    count += 1;
  }
  return count;
}

/** Text without what `isCut` takes at its sides. Linear, whatever stands inside. */
export function stripped(text: string, isCut: (unit: number) => boolean, left: boolean, right: boolean): string {
  let start = 0;
  let end = text.length;
  if (left) while (start < end && isCut(text.charCodeAt(start))) start += 1;
  if (right) while (end > start && isCut(text.charCodeAt(end - 1))) end -= 1;
  return start === 0 && end === text.length ? text : text.slice(start, end);
}

/** `stripped` for any characters, those of two UTF-16 units included. */
export function strippedOf(text: string, characters: string, left: boolean, right: boolean): string {
  if (!surrogates.test(characters) && !surrogates.test(text)) {
    const units = new Set(Array.from(characters, (character) => character.charCodeAt(0)));
    return stripped(text, (unit) => units.has(unit), left, right);
  }
  const set = new Set(characters);
  const points = Array.from(text);
  let start = 0;
  let end = points.length;
  if (left) while (start < end && set.has(points[start] as string)) start += 1;
  if (right) while (end > start && set.has(points[end - 1] as string)) end -= 1;
  return points.slice(start, end).join("");
}

/** `str.splitlines`. */
export function splitLines(text: string, keepEnds = false): string[] {
  const lines: string[] = [];
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    const ends =
      (unit >= 10 && unit <= 13) || (unit >= 28 && unit <= 30) || unit === 0x85 || unit === 0x2028 || unit === 0x2029;
    if (!ends) continue;
    const end = unit === 13 && text.charCodeAt(i + 1) === 10 ? i + 2 : i + 1;
    lines.push(text.slice(start, keepEnds ? end : i));
    start = end;
    i = end - 1;
  }
  if (start < text.length) lines.push(text.slice(start));
  return lines;
}

/** The runs of a text between its white space, as `str.split()` gives them. */
export function splitSpaces(text: string, most = Number.POSITIVE_INFINITY): string[] {
  const parts: string[] = [];
  let at = 0;
  for (;;) {
    while (at < text.length && isPythonSpace(text.charCodeAt(at))) at += 1;
    if (at >= text.length) return parts;
    if (parts.length >= most) {
      parts.push(text.slice(at));
      return parts;
    }
    const start = at;
    while (at < text.length && !isPythonSpace(text.charCodeAt(at))) at += 1;
    parts.push(text.slice(start, at));
  }
}
