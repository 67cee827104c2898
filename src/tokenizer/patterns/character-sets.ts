/**
 * Names of sets of characters, as Oniguruma has them, in JavaScript's `v` mode. Which characters each holds was compared with
 * tokenizers 0.23 for every code point; the two differ only in characters that are newer than its Unicode 16.
 */

const word = String.raw`[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}]`;
/** `\w` takes the six numerals of Latin-1 too. */
const wordEscape = String.raw`[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\xb2\xb3\xb9\xbc-\xbe]`;
const graph = String.raw`[^\p{White_Space}\p{Cc}\p{Cn}\p{Cs}]`;
const hexadecimal = "[0-9a-fA-F]";

/** The sets of `\d`, `\s` and the like. */
export const escapeSets: { readonly [letter: string]: string } = {
  d: String.raw`\p{Nd}`,
  D: String.raw`\P{Nd}`,
  s: String.raw`\p{White_Space}`,
  S: String.raw`\P{White_Space}`,
  w: wordEscape,
  W: negatedSet(wordEscape),
  h: hexadecimal,
  H: negatedSet(hexadecimal),
};

/** The sets of `[:name:]` inside a class. */
export const bracketSets: { readonly [name: string]: string } = {
  alnum: String.raw`[\p{Alphabetic}\p{Nd}]`,
  alpha: String.raw`\p{Alphabetic}`,
  ascii: String.raw`[\x00-\x7f]`,
  blank: String.raw`[\p{Zs}\t]`,
  cntrl: String.raw`\p{Cc}`,
  digit: String.raw`\p{Nd}`,
  graph,
  lower: String.raw`\p{Lowercase}`,
  print: String.raw`[${graph}\p{Zs}]`,
  punct: String.raw`[\p{P}\p{S}]`,
  space: String.raw`\p{White_Space}`,
  upper: String.raw`\p{Uppercase}`,
  word,
  xdigit: hexadecimal,
};

/** Properties whose names JavaScript lacks, or gives another meaning. */
const properties: { readonly [name: string]: string } = {
  ...bracketSets,
  word: wordEscape,
  punct: String.raw`\p{P}`,
  posixpunct: String.raw`[\p{P}\p{S}]`,
  any: String.raw`\p{Any}`,
  assigned: String.raw`\p{Assigned}`,
  ascii: String.raw`\p{ASCII}`,
  lc: String.raw`\p{LC}`,
  asciihexdigit: String.raw`\p{ASCII_Hex_Digit}`,
  idstart: String.raw`\p{ID_Start}`,
  idcontinue: String.raw`\p{ID_Continue}`,
  xidstart: String.raw`\p{XID_Start}`,
  xidcontinue: String.raw`\p{XID_Continue}`,
  whitespace: String.raw`\p{White_Space}`,
  extendedpictographic: String.raw`\p{Extended_Pictographic}`,
};

const known = new Map<string, string | undefined>();

/**
 * The set of `\p{name}`; `undefined` where there is none. Case, spaces, `-` and `_` do not matter in Oniguruma; here the words
 * of a name must stand apart, unless it is in the table above.
 */
export function propertySet(name: string): string | undefined {
  if (!known.has(name)) known.set(name, findProperty(name));
  return known.get(name);
}

function findProperty(name: string): string | undefined {
  const plain = name.toLowerCase().replace(/[ _-]/g, "");
  if (Object.hasOwn(properties, plain)) return properties[plain];
  if (!/^[A-Za-z][A-Za-z0-9 _-]*$/.test(name)) return undefined;
  const words = name.split(/[ _-]+/).map((part) => part.charAt(0).toUpperCase() + part.slice(1).toLowerCase());
  const proper = words.join("_");
  return [name, proper, `Script=${name}`, `Script=${proper}`].map((given) => `\\p{${given}}`).find(isSet);
}

function isSet(source: string): boolean {
  try {
    return new RegExp(`[^${source}]`, "v") !== undefined;
  } catch {
    return false; // JavaScript knows no such property, or it is one of strings
  }
}

/** Everything but a set. */
export function negatedSet(set: string): string {
  return isFlat(set) ? `[^${set.slice(1)}` : `[^${set}]`;
}

/** A set with more items. */
export function widenedSet(set: string, items: string): string {
  return isFlat(set) ? `${set.slice(0, -1)}${items}]` : `[${set}${items}]`;
}

/** Whether a set is a class with no other inside it, so that it can be changed in place. */
function isFlat(set: string): boolean {
  return /^\[(?!\^)(?:\\.|[^[\]\\&])*\]$/u.test(set);
}
