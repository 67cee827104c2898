/**
 * Case folding as Oniguruma does it under `(?i)`: characters are equal when Unicode folds them to the same text, so that `ſ`
 * is an `s`, and `ß` is `ss`.
 */

interface CaseTable {
  /** The characters that fold to a text of one character or more, by that text. */
  variants: Map<string, string[]>;
  /** Every character that case changes. */
  cased: string[];
}

let table: CaseTable | undefined;

/** The text that a character folds to. */
export function foldOf(character: string): string {
  // U+0131 (dotless i) has a capital letter, but folds to itself.
  return character === "\u0131" ? character : character.toLowerCase().toUpperCase().toLowerCase();
}

/** Characters beyond ASCII that fold to a text of ASCII, by that text. Patterns of English words need no table of all characters. */
const beyondAscii: { readonly [folded: string]: readonly string[] } = {
  k: ["\u212a"],
  s: ["\u017f"],
  ff: ["\ufb00"],
  fi: ["\ufb01"],
  fl: ["\ufb02"],
  ffi: ["\ufb03"],
  ffl: ["\ufb04"],
  ss: ["\u00df", "\u1e9e"],
  st: ["\ufb05", "\ufb06"],
};

/** The characters that fold to a text. A text of one character without case gives that character. */
export function variantsOf(folded: string): readonly string[] {
  if (/^[\0-\x7f]+$/.test(folded)) return [...asciiVariants(folded), ...(beyondAscii[folded] ?? [])];
  const found = caseTable().variants.get(folded);
  if (found) return found;
  return Array.from(folded).length === 1 ? [folded] : [];
}

function asciiVariants(folded: string): string[] {
  if (folded.length > 1) return [];
  return folded === folded.toUpperCase() ? [folded] : [folded, folded.toUpperCase()];
}

/** Every character that case changes. */
export function casedCharacters(): readonly string[] {
  return caseTable().cased;
}

function caseTable(): CaseTable {
  table ??= makeTable();
  return table;
}

function makeTable(): CaseTable {
  const changes = /[\p{Changes_When_Casemapped}\p{Changes_When_Casefolded}]/gu;
  const cased: string[] = [];
  // No character above U+1FFFF has case.
  for (let from = 0; from < 0x20000; from += 0x1000) {
    if (from === 0xd000) continue; // Hangul and surrogates
    const block = String.fromCodePoint(...Array.from({ length: 0x1000 }, (_, i) => from + i));
    cased.push(...(block.match(changes) ?? []));
  }
  const variants = new Map<string, string[]>();
  for (const character of cased) {
    const folded = foldOf(character);
    const list = variants.get(folded) ?? [];
    list.push(character);
    variants.set(folded, list);
  }
  return { variants, cased };
}
