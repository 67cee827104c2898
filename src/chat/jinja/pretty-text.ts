import { isPythonSpace } from "../../util/python-space.ts";
import { compare } from "./protocol.ts";
import { quoted, repr } from "./repr.ts";
import type { Runtime } from "./runtime.ts";
import { splitLines } from "./text.ts";
import { Dict, isNumeric, Tuple, typeName, type Value } from "./values.ts";

const lineWidth = 80;

/** Where a value stands: columns in front of it, columns behind it, and whether nothing is around it. */
interface Place {
  indent: number;
  behind: number;
  isTop: boolean;
}

/** `pprint.pformat(value)`: keys of dicts sorted, what is wider than a line on lines of its own. */
export function prettyText(runtime: Runtime, value: Value): string {
  return pretty(runtime, value, { indent: 0, behind: 0, isTop: true });
}

function pretty(runtime: Runtime, value: Value, place: Place): string {
  const { indent, behind } = place;
  const line = repr(runtime, sortedKeys(runtime, value));
  if (line.length <= lineWidth - indent - behind) return line;
  if (typeof value === "string") return prettyString(runtime, value, place);
  const space = `,\n${" ".repeat(indent + 1)}`;
  const join = (parts: string[]) => {
    runtime.budget.text(parts.reduce((sum, part) => sum + part.length + space.length, 0));
    return parts.join(space);
  };
  const inside = (isLast: boolean, end: number, more = 0) => ({
    indent: indent + 1 + more,
    behind: isLast ? behind + end : 1,
    isTop: false,
  });
  const each = (items: readonly Value[], end: number) =>
    join(items.map((item, i) => pretty(runtime, item, inside(i === items.length - 1, end))));
  if (Array.isArray(value) && value.length > 0) return `[${each(value, 1)}]`;
  if (value instanceof Tuple && value.items.length > 0) {
    const end = value.items.length === 1 ? ",)" : ")";
    return `(${each(value.items, end.length)}${end}`;
  }
  if (!(value instanceof Dict) || value.entries.size === 0) return line;
  const sorted = sortedKeys(runtime, value) as Dict;
  const ids = [...sorted.entries.keys()];
  const parts = ids.map((id, i) => {
    const key = repr(runtime, sorted.keyOf(id));
    const item = sorted.entries.get(id) as Value;
    return `${key}: ${pretty(runtime, item, inside(i === ids.length - 1, 1, key.length + 2))}`;
  });
  return `{${join(parts)}}`;
}

/** A long text as several literals, one a line, cut behind line ends and white space. */
function prettyString(runtime: Runtime, text: string, { indent, behind, isTop }: Place): string {
  const column = isTop ? indent + 1 : indent;
  const after = isTop ? behind + 1 : behind;
  const width = lineWidth - column;
  const lines = splitLines(text, true);
  const chunks: string[] = [];
  lines.forEach((line, i) => {
    const isLast = i === lines.length - 1;
    const whole = quoted(line);
    if (whole.length <= width - (isLast ? after : 0)) chunks.push(whole);
    else chunks.push(...wrapped(runtime, line, width, isLast ? after : 0));
  });
  runtime.budget.text(chunks.reduce((sum, chunk) => sum + chunk.length + column + 1, 0));
  if (chunks.length === 1) return chunks[0] as string;
  const joined = chunks.join(`\n${" ".repeat(column)}`);
  return isTop ? `(${joined})` : joined;
}

function wrapped(runtime: Runtime, line: string, width: number, after: number): string[] {
  const words = wordsOf(line);
  const chunks: string[] = [];
  let current = "";
  words.forEach((word, i) => {
    runtime.budget.spend(word.length + width);
    const room = i === words.length - 1 ? width - after : width;
    if (quoted(current + word).length > room) {
      if (current !== "") chunks.push(quoted(current));
      current = word;
    } else current += word;
  });
  if (current !== "") chunks.push(quoted(current));
  return chunks;
}

/** Words with the white space behind them. */
function wordsOf(line: string): string[] {
  const words: string[] = [];
  for (let at = 0; at < line.length; ) {
    const start = at;
    while (at < line.length && !isPythonSpace(line.charCodeAt(at))) at += 1;
    while (at < line.length && isPythonSpace(line.charCodeAt(at))) at += 1;
    words.push(line.slice(start, at));
  }
  return words;
}

/** Keys that have no order among them are ordered by the names of their types. */
function compareKeys(runtime: Runtime, a: Value, b: Value): number {
  const kind = (value: Value) => (isNumeric(value) ? "number" : typeName(value));
  if (kind(a) === kind(b) && a !== null) return compare(runtime, a, b);
  return typeName(a) < typeName(b) ? -1 : typeName(a) > typeName(b) ? 1 : 0;
}

/** Dicts with their keys in order, where they have one. */
function sortedKeys(runtime: Runtime, value: Value): Value {
  runtime.budget.spend(1);
  if (Array.isArray(value)) return value.map((item) => sortedKeys(runtime, item));
  if (value instanceof Tuple) return new Tuple(value.items.map((item) => sortedKeys(runtime, item)));
  if (!(value instanceof Dict)) return value;
  const ids = [...value.entries.keys()];
  ids.sort((a, b) => compareKeys(runtime, value.keyOf(a), value.keyOf(b)));
  const sorted = new Dict();
  for (const id of ids) sorted.set(id, value.keyOf(id), sortedKeys(runtime, value.entries.get(id) as Value));
  return sorted;
}
