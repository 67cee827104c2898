import { widthAt } from "./aligned-text.ts";

/** Runs of marks of this many units and more are put in order here: engines of JavaScript take quadratic time for them. */
const longRun = 500;

/** Characters that are, or decompose compatibly to, such as have a combining class above 0, and others between them. */
const inRun = /^[\p{M}\uff9e\uff9f]$/u;

/**
 * Text in which the long runs of combining marks are decomposed and in canonical order already, in linear time; all else is
 * as it was. Its normalisation forms (with the same kind of decomposition) are those of the text.
 */
export function orderLongRuns(text: string, decomposed: "NFD" | "NFKD"): string {
  if (text.length < longRun) return text;
  const parts: string[] = [];
  let done = 0;
  // A run as long as the step has a unit at one of these places.
  for (let probe = 0; probe < text.length; probe += longRun) {
    if (probe < done || text.charCodeAt(probe) < 0x300) continue;
    const at = startOf(text, probe);
    if (!isInRun(text, at)) continue;
    let start = at;
    while (start > done) {
      const before = startOf(text, start - 1);
      if (!isInRun(text, before)) break;
      start = before;
    }
    let end = at;
    while (end < text.length && isInRun(text, end)) end += widthAt(text, end);
    if (end - start < longRun) continue;
    parts.push(text.slice(done, start), ordered(text, start, end, decomposed));
    done = end;
  }
  return done === 0 ? text : parts.join("") + text.slice(done);
}

/** Where the character of a unit starts. */
function startOf(text: string, at: number): number {
  return at > 0 && widthAt(text, at - 1) === 2 ? at - 1 : at;
}

function isInRun(text: string, at: number): boolean {
  return text.charCodeAt(at) >= 0x300 && inRun.test(text.slice(at, at + widthAt(text, at)));
}

function ordered(text: string, start: number, end: number, decomposed: "NFD" | "NFKD"): string {
  const done: string[] = [];
  let marks: string[] = [];
  const flush = () => {
    for (const mark of sortMarks(marks, (character) => character)) done.push(mark);
    marks = [];
  };
  for (let at = start; at < end; ) {
    const width = widthAt(text, at);
    for (const part of text.slice(at, at + width).normalize(decomposed)) {
      if (isMark(part)) {
        marks.push(part);
        continue;
      }
      flush();
      done.push(part);
    }
    at += width;
  }
  flush();
  return done.join("");
}

/** Marks by combining class; those of the same class stay in their order. Takes linear time. */
export function sortMarks<T>(marks: readonly T[], characterOf: (mark: T) => string): readonly T[] {
  if (marks.length < 2) return marks;
  const kinds = new Map<string, T[]>();
  for (const mark of marks) kinds.set(characterOf(mark), []);
  const classes: T[][] = [];
  let last: string | undefined;
  for (const character of Array.from(kinds.keys()).sort(compareMarks)) {
    if (last === undefined || compareMarks(last, character) !== 0) classes.push([]);
    kinds.set(character, classes.at(-1) as T[]);
    last = character;
  }
  for (const mark of marks) kinds.get(characterOf(mark))?.push(mark);
  return classes.flat();
}

const markKnown = new Map<string, boolean>();

/** Whether a character has a combining class above 0: it then changes places with a mark of another class. */
export function isMark(character: string): boolean {
  if (
    character < "\u0300" ||
    (character >= "\u3100" && character < "\ua66f") ||
    (character >= "\uac00" && character < "\ud800")
  )
    return false;
  const known = markKnown.get(character);
  if (known !== undefined) return known;
  const found = swaps(character, "\u0334") || swaps("\u0345", character);
  if (markKnown.size > 10_000) markKnown.clear();
  markKnown.set(character, found);
  return found;
}

const comparisons = new Map<string, number>();

/** Whether the combining class of the first is lower (-1), the same (0) or higher (1). Class 0 is lower than a mark's. */
export function compareMarks(first: string, second: string): number {
  if (first === second) return 0;
  const [a, b] = [isMark(first), isMark(second)];
  if (!a || !b) return Number(a) - Number(b);
  const pair = first + second;
  const known = comparisons.get(pair);
  if (known !== undefined) return known;
  const found = swaps(first, second) ? 1 : swaps(second, first) ? -1 : 0;
  if (comparisons.size > 10_000) comparisons.clear();
  comparisons.set(pair, found);
  return found;
}

function swaps(first: string, second: string): boolean {
  const text = `${first}${second}`;
  const sorted = text.normalize("NFD");
  return sorted !== text && sorted === `${second}${first}`;
}
