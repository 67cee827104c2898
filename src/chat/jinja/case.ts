const cased = /\p{Cased}/u;
const lowercase = /\p{Lowercase}/u;
const uppercase = /\p{Uppercase}/u;
const titlecase = /\p{Lt}/u;

/** Letters whose title case is neither their own upper case nor its first letter: digraphs, Greek with iota, Georgian. */
function titleOf(character: string): string {
  const point = character.codePointAt(0) as number;
  if (point >= 0x1c4 && point <= 0x1cc) return String.fromCodePoint(0x1c5 + 3 * Math.floor((point - 0x1c4) / 3));
  if (point >= 0x1f1 && point <= 0x1f3) return "\u01f2";
  if ((point >= 0x10d0 && point <= 0x10fa) || (point >= 0x10fd && point <= 0x10ff)) return character;
  if (point >= 0x1f80 && point <= 0x1faf) return String.fromCodePoint(point | 8);
  if (point === 0x1fb3 || point === 0x1fc3 || point === 0x1ff3) return String.fromCodePoint(point + 9);
  if (titlecase.test(character)) return character;
  const upper = Array.from(character.toUpperCase());
  return upper.length === 1 || point === 0x149 ? upper.join("") : (upper[0] as string) + upper.slice(1).join("").toLowerCase();
}

/** `str.capitalize`. */
export function capitalize(text: string): string {
  if (text === "") return text;
  const first = String.fromCodePoint(text.codePointAt(0) as number);
  return titleOf(first) + text.slice(first.length).toLowerCase();
}

/** `str.title`: a letter behind another one is lower, the others are upper. */
export function title(text: string): string {
  let out = "";
  let inWord = false;
  for (const character of text) {
    out += inWord ? character.toLowerCase() : titleOf(character);
    inWord = cased.test(character);
  }
  return out;
}

/** `str.swapcase`. */
export function swapCase(text: string): string {
  let out = "";
  for (const character of text) {
    out += uppercase.test(character)
      ? character.toLowerCase()
      : lowercase.test(character)
        ? character.toUpperCase()
        : character;
  }
  return out;
}

/** `str.islower`: there is a cased letter, and none that is upper or title case. */
export function isLower(text: string): boolean {
  return lowercase.test(text) && !uppercase.test(text) && !titlecase.test(text);
}

/** `str.isupper`. */
export function isUpper(text: string): boolean {
  return uppercase.test(text) && !lowercase.test(text) && !titlecase.test(text);
}

/** `str.istitle`. */
export function isTitle(text: string): boolean {
  let inWord = false;
  let found = false;
  for (const character of text) {
    if (uppercase.test(character) || titlecase.test(character)) {
      if (inWord) return false;
      inWord = true;
      found = true;
    } else if (lowercase.test(character)) {
      if (!inWord) return false;
      found = true;
    } else inWord = false;
  }
  return found;
}

/** `str.casefold`, but for a few letters that Unicode folds in another way than through upper case. */
export function caseFold(text: string): string {
  return text
    .replace(/\u0130/g, "i\u0307")
    .toUpperCase()
    .toLowerCase()
    .replace(/\u03c2/g, "\u03c3");
}
