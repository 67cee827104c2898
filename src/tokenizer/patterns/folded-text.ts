import { casedCharacters, foldOf, variantsOf } from "./case-variants.ts";
import { classCharacter } from "./character-class.ts";
import { negatedSet, widenedSet } from "./character-sets.ts";
import type { PatternNode } from "./syntax.ts";

/** How many letters one character can stand for. */
const widest = 3;

/**
 * Text that is matched whatever its case. From left to right, the longest row of letters that one character can stand for is
 * taken together: `ss` matches `ß`, `sss` matches `ßs` and not `sß`, as in Oniguruma.
 */
export function foldedText(codes: readonly number[]): PatternNode[] {
  const folded = codes.map((code) => foldOf(String.fromCodePoint(code)));
  const nodes: PatternNode[] = [];
  for (let at = 0; at < folded.length; ) {
    const length = lengthOfRow(folded, at);
    nodes.push(rowOf(folded.slice(at, at + length).join("")));
    at += length;
  }
  return nodes;
}

function lengthOfRow(folded: readonly string[], at: number): number {
  for (let length = Math.min(widest, folded.length - at); length > 1; length--) {
    const row = folded.slice(at, at + length);
    if (row.every(isOneCharacter) && variantsOf(row.join("")).length > 0) return length;
  }
  return 1;
}

/** One letter, or the characters that stand for all of a row of letters, or its letters. */
function rowOf(folded: string): PatternNode {
  if (isOneCharacter(folded)) return oneOfThese(variantsOf(folded));
  return { kind: "choice", nodes: [oneOfThese(variantsOf(folded)), letters(folded)] };
}

function letters(folded: string): PatternNode {
  return { kind: "sequence", nodes: Array.from(folded, (letter) => oneOfThese(variantsOf(letter))) };
}

function isOneCharacter(text: string): boolean {
  return text.length === (text.codePointAt(0)! > 0xffff ? 2 : 1);
}

function oneOfThese(characters: readonly string[]): PatternNode {
  const codes = characters.map((character) => character.codePointAt(0) as number);
  if (codes.length === 1) return { kind: "character", code: codes[0] as number, fold: false };
  return { kind: "set", set: `[${codes.map(classCharacter).join("")}]`, fold: false, negated: false };
}

/**
 * A class that is matched whatever the case: with every character that folds as one of its own does. A class that holds a
 * character such as `ß` matches the letters that it stands for too.
 */
export function foldedSet({ set, negated }: { set: string; negated: boolean }): PatternNode {
  const holds = new RegExp(`^${set}$`, "v");
  const folds = new Set(casedCharacters().flatMap((character) => (holds.test(character) ? foldOf(character) : [])));
  const more = casedCharacters().filter((character) => folds.has(foldOf(character)) && !holds.test(character));
  const items = more.map((character) => classCharacter(character.codePointAt(0)!)).join("");
  const whole = items === "" ? set : widenedSet(set, items);
  const one: PatternNode = { kind: "set", set: negated ? negatedSet(whole) : whole, fold: false, negated: false };
  if (negated) return one;
  const inside = new RegExp(`^${whole}+$`, "v");
  const several = [...folds].filter((folded) => !isOneCharacter(folded) && !inside.test(folded));
  return several.length === 0 ? one : { kind: "choice", nodes: [one, ...several.map(letters)] };
}
