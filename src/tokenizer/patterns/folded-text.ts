import { casedCharacters, foldOf, variantsOf } from "./case-variants.ts";
import { classCharacter } from "./character-class.ts";
import { negatedSet, widenedSet } from "./character-sets.ts";

/** How many letters one character can stand for. */
const widest = 3;

/**
 * Text that is matched whatever its case, in JavaScript. From left to right, the longest row of letters that one character can
 * stand for is taken together: `ss` matches `ß`, `sss` matches `ßs` and not `sß`, as in Oniguruma.
 */
export function writeFolded(codes: readonly number[]): string {
  const folded = codes.map((code) => foldOf(String.fromCodePoint(code)));
  let source = "";
  for (let at = 0; at < folded.length; ) {
    const length = lengthOfRow(folded, at);
    source += writeRow(folded.slice(at, at + length).join(""));
    at += length;
  }
  return source;
}

function lengthOfRow(folded: readonly string[], at: number): number {
  for (let length = Math.min(widest, folded.length - at); length > 1; length--) {
    const row = folded.slice(at, at + length);
    if (row.every(isOneCharacter) && variantsOf(row.join("")).length > 0) return length;
  }
  return 1;
}

/** One letter, or the characters that stand for all of a row of letters, or its letters. */
function writeRow(folded: string): string {
  if (isOneCharacter(folded)) return oneOfThese(variantsOf(folded));
  return `(?:${oneOfThese(variantsOf(folded))}|${letters(folded)})`;
}

function letters(folded: string): string {
  return Array.from(folded, (letter) => oneOfThese(variantsOf(letter))).join("");
}

function isOneCharacter(text: string): boolean {
  return text.length === (text.codePointAt(0)! > 0xffff ? 2 : 1);
}

function oneOfThese(characters: readonly string[]): string {
  const items = characters.map((character) => classCharacter(character.codePointAt(0) as number)).join("");
  return characters.length === 1 ? items : `[${items}]`;
}

/**
 * A class that is matched whatever the case: with every character that folds as one of its own does. A class that holds a
 * character such as `ß` matches the letters that it stands for too.
 */
export function writeFoldedSet({ set, negated }: { set: string; negated: boolean }): string {
  const holds = new RegExp(`^${set}$`, "v");
  const folds = new Set(casedCharacters().flatMap((character) => (holds.test(character) ? foldOf(character) : [])));
  const more = casedCharacters().filter((character) => folds.has(foldOf(character)) && !holds.test(character));
  const items = more.map((character) => classCharacter(character.codePointAt(0)!)).join("");
  const whole = items === "" ? set : widenedSet(set, items);
  if (negated) return negatedSet(whole);
  const inside = new RegExp(`^${whole}+$`, "v");
  const several = [...folds].filter((folded) => !isOneCharacter(folded) && !inside.test(folded));
  if (several.length === 0) return whole;
  return `(?:${[whole, ...several.map(letters)].join("|")})`;
}
