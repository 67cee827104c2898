import { bracketSets, escapeSets, negatedSet } from "./character-sets.ts";
import { readEscape } from "./escapes.ts";
import { invalidPattern, unsupportedPattern } from "./pattern-error.ts";
import type { PatternReader } from "./pattern-reader.ts";

/** A class such as `[^a-z\d]`: its set in JavaScript's `v` mode, and whether it is negated. */
export interface CharacterClass {
  set: string;
  negated: boolean;
}

/** Classes may stand in each other this deep. */
const deepest = 20;

/** Reads a class behind its `[`: ranges, escapes, classes inside it, `[:name:]` and `&&`. `depth` counts the classes around it. */
export function readClass(reader: PatternReader, depth = 0): CharacterClass {
  const { pattern } = reader;
  if (depth > deepest) throw unsupportedPattern(pattern, `a class inside ${deepest} others`);
  const negated = reader.take("^");
  const operands: string[] = [];
  let items = "";
  // A bracket at the very beginning is a character, where another one closes the class.
  for (let first = true; !closes(reader, first); first = false) {
    if (reader.done) throw invalidPattern(pattern, "has a class without its end");
    if (reader.take("&&")) {
      operands.push(`[${items}]`);
      items = "";
    } else items += readSet(reader, depth) ?? readRange(reader);
  }
  reader.take("]");
  if (operands.length === 0) {
    if (items === "") throw invalidPattern(pattern, "has an empty class");
    return { set: `[${items}]`, negated };
  }
  return { set: `[${[...operands, `[${items}]`].join("&&")}]`, negated };
}

function closes(reader: PatternReader, first: boolean): boolean {
  return reader.sees("]") && !(first && reader.pattern.includes("]", reader.place + 1));
}

/** A set inside a class: `[:alpha:]`, `[…]` or `\d`; `undefined` where a character comes next. */
function readSet(reader: PatternReader, depth: number): string | undefined {
  const { pattern } = reader;
  const bracket = reader.match(/\[:(\^?)([a-zA-Z]+):\]/y);
  if (bracket) {
    refuseRange(reader);
    const set = bracketSets[bracket[2]!];
    if (set === undefined) throw invalidPattern(pattern, `has ${bracket[0]}, which is no set`);
    return bracket[1] === "^" ? negatedSet(set) : set;
  }
  if (reader.take("[")) {
    const { set, negated } = readClass(reader, depth + 1);
    return negated ? negatedSet(set) : set;
  }
  const set = reader.match(/\\(?=[dDsSwWhHpP])/y);
  if (!set) return undefined;
  // `\p` without braces is the letter.
  const escaped = readEscape(reader);
  if ("codes" in escaped) return escaped.codes.map(classCharacter).join("");
  refuseRange(reader);
  // The numerals that `\w` takes outside of a class are none of its own here.
  return escaped.set.replaceAll(escapeSets.w!, bracketSets.word!);
}

function refuseRange(reader: PatternReader): void {
  if (reader.match(/-(?!\])/y)) throw invalidPattern(reader.pattern, "has a range that begins with a set");
}

/** A character, a range, or the characters of `\x{61 62}`. */
function readRange(reader: PatternReader): string {
  const codes = readCharacter(reader);
  if (codes.length > 1 || !reader.match(/-(?!\])/y)) {
    return codes.map(classCharacter).join("");
  }
  const [from = 0] = codes;
  if (reader.sees("[")) throw unsupportedPattern(reader.pattern, "a range that ends with a class");
  // `[a-&&b]`: a hyphen that has no end is a character.
  if (reader.sees("&&")) return `${classCharacter(from)}\\-`;
  if (reader.match(/\\[dDsSwWhHpP]/y)) throw invalidPattern(reader.pattern, "has a range that ends with a set");
  const [to = 0] = readCharacter(reader);
  if (to < from) throw invalidPattern(reader.pattern, "has an empty range");
  // A hyphen behind a range is a character.
  const hyphen = reader.match(/-(?!\])/y) ? "\\-" : "";
  return `${classCharacter(from)}-${classCharacter(to)}${hyphen}`;
}

function readCharacter(reader: PatternReader): number[] {
  if (!reader.take("\\")) return [reader.next()!];
  if (reader.take("b")) return [8];
  const special = reader.match(/[RXNOKGyYAzZBkg]/y);
  // Oniguruma takes these letters for themselves inside a class.
  if (special) return [special[0].charCodeAt(0)];
  const escaped = readEscape(reader);
  if ("set" in escaped) throw unsupportedPattern(reader.pattern, "a set in a range");
  return escaped.codes;
}

/** A character as an item of a class in `v` mode. */
export function classCharacter(code: number): string {
  return /[\p{L}\p{N}]/u.test(String.fromCodePoint(code)) ? String.fromCodePoint(code) : `\\u{${code.toString(16)}}`;
}
