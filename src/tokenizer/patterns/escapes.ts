import { escapeSets, negatedSet, propertySet } from "./character-sets.ts";
import { invalidPattern, unsupportedPattern } from "./pattern-error.ts";
import type { PatternReader } from "./pattern-reader.ts";

/** What an escape stands for, inside a class or outside: characters (mostly one), or a set in JavaScript. */
export type Escaped = { codes: number[] } | { set: string };

const controls: { readonly [letter: string]: number } = { t: 9, n: 10, v: 11, f: 12, r: 13, a: 7, e: 27 };

/** Reads what follows a backslash, where it stands for characters. Errors: `unsupported_tokenizer`, `invalid_tokenizer_file`. */
export function readEscape(reader: PatternReader): Escaped {
  const { pattern } = reader;
  const property = reader.match(/[pP]\{(\^?)([^}]*)\}/y);
  if (property) {
    const set = propertySet(property[2]!);
    if (set === undefined) throw unsupportedPattern(pattern, `\\${property[0]}`);
    return { set: (property[0][0] === "P") !== (property[1] === "^") ? negatedSet(set) : set };
  }
  const set = reader.match(/[dDsSwWhH]/y);
  if (set) return { set: escapeSets[set[0]]! };
  const listed = reader.match(/x\{ *([0-9a-fA-F]{1,8}(?: +[0-9a-fA-F]{1,8})*) *\}/y);
  if (listed) return { codes: listed[1]!.split(/ +/).map((digits) => codePoint(pattern, Number.parseInt(digits, 16))) };
  if (reader.sees("x")) return { codes: [bytes(reader)] };
  const unicode = reader.match(/u([0-9a-fA-F]{4})/y);
  if (unicode) return { codes: [codePoint(pattern, Number.parseInt(unicode[1]!, 16))] };
  const octal = reader.match(/0[0-7]{0,2}|[1-7][0-7]{1,2}/y);
  if (octal) return { codes: [ascii(pattern, Number.parseInt(octal[0], 8), octal[0])] };
  const control = reader.match(/(?:c|C-)([@-_a-z?])/y);
  if (control) return { codes: [control[1] === "?" ? 127 : control[1]!.charCodeAt(0) & 0x1f] };
  const other = reader.match(/[uMCc]/y);
  if (other) throw unsupportedPattern(pattern, `\\${other[0]}`);
  const code = reader.next();
  if (code === undefined) throw invalidPattern(pattern, "ends in a backslash");
  return { codes: [controls[String.fromCodePoint(code)] ?? code] };
}

/** `\xHH`: a byte. Bytes above 7F stand in a row that is the UTF-8 of one character. */
function bytes(reader: PatternReader): number {
  const first = reader.match(/x([0-9a-fA-F]{1,2})/y);
  if (!first) throw unsupportedPattern(reader.pattern, "\\x without digits");
  const row = [Number.parseInt(first[1]!, 16)];
  if (row[0]! < 0x80) return row[0]!;
  const length = row[0]! >= 0xf0 ? 4 : row[0]! >= 0xe0 ? 3 : 2;
  while (row.length < length) {
    const next = reader.match(/\\x([0-9a-fA-F]{2})/y);
    if (!next) break;
    row.push(Number.parseInt(next[1]!, 16));
  }
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(row));
    return text.codePointAt(0)!;
  } catch {
    throw invalidPattern(reader.pattern, "has bytes that are not UTF-8");
  }
}

function ascii(pattern: string, code: number, digits: string): number {
  if (code < 0x80) return code;
  throw unsupportedPattern(pattern, `\\${digits}`);
}

function codePoint(pattern: string, code: number): number {
  if (code <= 0x10ffff && !(code >= 0xd800 && code < 0xe000)) return code;
  throw invalidPattern(pattern, `names U+${code.toString(16).toUpperCase()}, which is no character`);
}
