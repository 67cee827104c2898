import type { Runtime } from "./runtime.ts";

/**
 * Finds texts in texts at a cost that grows with their lengths alone. JavaScript's own search takes the product of both in
 * the worst case; here, where a pattern is long enough for that to matter, Knuth, Morris and Pratt's takes its place.
 */
const longPattern = 24;

/** First UTF-16 unit from `from` on at which `part` stands; −1: nowhere. */
export function indexIn(runtime: Runtime, text: string, part: string, from = 0): number {
  runtime.budget.text(Math.max(0, text.length - from));
  if (part.length < longPattern) return text.indexOf(part, from);
  return createSearch(runtime, part)(text, from);
}

/** Last UTF-16 unit at which `part` stands. */
export function lastIndexIn(runtime: Runtime, text: string, part: string): number {
  runtime.budget.text(text.length);
  if (part.length < longPattern) return text.lastIndexOf(part);
  const search = createSearch(runtime, part);
  let last = -1;
  for (let at = search(text, 0); at >= 0; at = search(text, at + 1)) last = at;
  return last;
}

/** All places, left to right and apart from each other, at most `most` of them. */
export function placesIn(runtime: Runtime, text: string, part: string, most = Number.POSITIVE_INFINITY): number[] {
  runtime.budget.text(text.length);
  const search = part.length < longPattern ? (from: string, at: number) => from.indexOf(part, at) : createSearch(runtime, part);
  const places: number[] = [];
  for (let at = search(text, 0); at >= 0 && places.length < most; at = search(text, at + part.length)) {
    places.push(at);
  }
  runtime.budget.spend(4 * places.length);
  return places;
}

function createSearch(runtime: Runtime, part: string): (text: string, from: number) => number {
  runtime.budget.spend(part.length);
  const borders = new Int32Array(part.length);
  for (let i = 1, length = 0; i < part.length; i++) {
    while (length > 0 && part.charCodeAt(i) !== part.charCodeAt(length)) length = borders[length - 1] as number;
    if (part.charCodeAt(i) === part.charCodeAt(length)) length += 1;
    borders[i] = length;
  }
  return (text, from) => {
    for (let at = Math.max(0, from), matched = 0; at < text.length; at++) {
      while (matched > 0 && text.charCodeAt(at) !== part.charCodeAt(matched)) matched = borders[matched - 1] as number;
      if (text.charCodeAt(at) === part.charCodeAt(matched)) matched += 1;
      if (matched === part.length) return at - part.length + 1;
    }
    return -1;
  };
}
