import { isPythonSpace } from "../../util/python-space.ts";
import type { Runtime } from "./runtime.ts";
import { lengthOf, stripped } from "./text.ts";

/** How a line is wrapped: Python's `textwrap.wrap` with `expand_tabs` and `replace_whitespace` off. */
export interface WrapOptions {
  width: number;
  breakLongWords: boolean;
  breakOnHyphens: boolean;
}

const wordPart = /[\p{L}\p{N}_!"'&.,?]/u;
const letter = /[\p{L}_]/u;

/** Pieces of a line that stay together: words, their parts behind hyphens, dashes, white space. */
function chunksOf(line: string, breakOnHyphens: boolean): string[] {
  const chunks: string[] = [];
  for (let at = 0; at < line.length; ) {
    const start = at;
    const blank = isAsciiSpace(line, at);
    while (at < line.length && isAsciiSpace(line, at) === blank) at += 1;
    const run = line.slice(start, at);
    if (blank || !breakOnHyphens) chunks.push(run);
    else chunks.push(...hyphenated(run));
  }
  return chunks;
}

function isAsciiSpace(line: string, at: number): boolean {
  const unit = line.charCodeAt(at);
  return unit === 32 || (unit >= 9 && unit <= 13);
}

/** A word cut behind hyphens that stand between letters, and around dashes of two hyphens or more. */
function hyphenated(word: string): string[] {
  const parts: string[] = [];
  let start = 0;
  for (let at = 0; at < word.length; at++) {
    if (word[at] !== "-") continue;
    let end = at;
    while (word[end] === "-") end += 1;
    if (end - at >= 2) {
      if (
        at > start &&
        wordPart.test(word[at - 1] as string) &&
        end < word.length &&
        /[\p{L}\p{N}_]/u.test(word[end] as string)
      ) {
        parts.push(word.slice(start, at), word.slice(at, end));
        start = end;
      }
      at = end - 1;
    } else if (isLetterBefore(word, at) && isLetterAfter(word, at)) {
      parts.push(word.slice(start, at + 1));
      start = at + 1;
    }
  }
  if (start < word.length) parts.push(word.slice(start));
  return parts;
}

/** Two letters stand in front of the hyphen, or a letter, a hyphen and a letter. */
function isLetterBefore(word: string, at: number): boolean {
  if (!letter.test(word[at - 1] ?? "")) return false;
  const before = word[at - 2] ?? "";
  return letter.test(before) || (before === "-" && letter.test(word[at - 3] ?? ""));
}

/** Two letters stand behind it, perhaps with a hyphen between them. */
function isLetterAfter(word: string, at: number): boolean {
  if (!letter.test(word[at + 1] ?? "")) return false;
  return letter.test(word[at + 2] ?? "") || (word[at + 2] === "-" && letter.test(word[at + 3] ?? ""));
}

/** Where a word that is longer than a line is cut: behind its last hyphen that fits, else where the line is full. */
function cutOf(points: readonly string[], from: number, room: number, breakOnHyphens: boolean): number {
  const end = from + room;
  if (!breakOnHyphens) return end;
  let hyphen = Math.min(end, points.length) - 1;
  while (hyphen > from && points[hyphen] !== "-") hyphen -= 1;
  for (let at = from; at < hyphen; at++) if (points[at] !== "-") return hyphen + 1;
  return end;
}

/** Cuts a word into what fits behind the line that is open, and lines of its own; gives what is left for the next line. */
function broken(runtime: Runtime, word: string, room: number, { width, breakOnHyphens }: WrapOptions) {
  const points = Array.from(word);
  runtime.budget.spend(2 * points.length);
  const pieces: string[] = [];
  let from = 0;
  for (let most = room; pieces.length === 0 || points.length - from > width; most = width) {
    const end = cutOf(points, from, most, breakOnHyphens);
    pieces.push(points.slice(from, end).join(""));
    from = end;
  }
  return { first: pieces[0] as string, lines: pieces.slice(1), rest: points.slice(from).join("") };
}

/** The lines of one paragraph. */
export function wrapLine(runtime: Runtime, line: string, options: WrapOptions): string[] {
  const { width, breakLongWords, breakOnHyphens } = options;
  runtime.budget.spend(line.length);
  const chunks = chunksOf(line, breakOnHyphens).reverse();
  const lines: string[] = [];
  const isBlank = (text: string) => stripped(text, isPythonSpace, true, false) === "";
  while (chunks.length > 0) {
    runtime.budget.spend(1);
    if (lines.length > 0 && isBlank(chunks[chunks.length - 1] as string)) chunks.pop();
    const current: string[] = [];
    let length = 0;
    let whole: string[] = [];
    for (let chunk = chunks[chunks.length - 1]; chunk !== undefined; chunk = chunks[chunks.length - 1]) {
      const size = lengthOf(runtime, chunk);
      if (length + size > width) break;
      current.push(chunks.pop() as string);
      length += size;
    }
    const long = chunks[chunks.length - 1];
    if (long !== undefined && lengthOf(runtime, long) > width) {
      if (breakLongWords) {
        const { first, lines: more, rest } = broken(runtime, long, width - length, options);
        current.push(first);
        whole = more;
        chunks[chunks.length - 1] = rest;
      } else if (current.length === 0) current.push(chunks.pop() as string);
    }
    if (current.length > 0 && isBlank(current[current.length - 1] as string)) current.pop();
    if (current.length > 0) lines.push(current.join(""));
    lines.push(...whole);
  }
  return lines;
}
