const cased = /\p{Cased}/u;
const lowercase = /\p{Lowercase}/u;
const uppercase = /\p{Uppercase}/u;
const titlecase = /\p{Lt}/u;

const ignorable = /\p{Case_Ignorable}/u;

/** A character of a text in lower case. A capital sigma has two, and its neighbours in the whole text decide. */
function lowered(character: string, text: string, index: number): string {
  if (character !== "\u03a3") return character.toLowerCase();
  return isFollowing(text, index) && !isFollowed(text, index + 1) ? "\u03c2" : "\u03c3";
}

/** Whether the letters before a place end in a cased one. */
function isFollowing(text: string, end: number): boolean {
  for (let at = end; at > 0; ) {
    const isPair = at > 1 && /[\ud800-\udbff][\udc00-\udfff]/.test(text.slice(at - 2, at));
    const character = text.slice(at - (isPair ? 2 : 1), at);
    if (!ignorable.test(character)) return cased.test(character);
    at -= character.length;
  }
  return false;
}

/** Whether the letters from a place on begin with a cased one. */
function isFollowed(text: string, start: number): boolean {
  for (let at = start; at < text.length; ) {
    const character = String.fromCodePoint(text.codePointAt(at) as number);
    if (!ignorable.test(character)) return cased.test(character);
    at += character.length;
  }
  return false;
}

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
  return mapped(text, (character, index) => (index === 0 ? titleOf(character) : lowered(character, text, index)));
}

/** `str.title`: a letter behind another one is lower, the others are upper. */
export function title(text: string): string {
  let inWord = false;
  return mapped(text, (character, index) => {
    const out = inWord ? lowered(character, text, index) : titleOf(character);
    inWord = cased.test(character);
    return out;
  });
}

/** `str.swapcase`. */
export function swapCase(text: string): string {
  return mapped(text, (character, index) => {
    if (uppercase.test(character)) return lowered(character, text, index);
    return lowercase.test(character) ? character.toUpperCase() : character;
  });
}

/** A text, each of its characters changed. */
function mapped(text: string, change: (character: string, index: number) => string): string {
  let out = "";
  let index = 0;
  for (const character of text) {
    out += change(character, index);
    index += character.length;
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
