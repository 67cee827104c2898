/**
 * `\X`: one extended grapheme cluster, as Unicode's annex 29 defines it. JavaScript has no property for these classes, so those
 * that its properties do not give are listed.
 */
export function graphemeCluster(): string {
  source ??= build();
  return source;
}

let source: string | undefined;

const prepend = String.raw`[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u0d4e\u{110bd}\u{110cd}\u{111c2}\u{111c3}\u{113d1}\u{1193f}\u{11941}\u{11a3a}\u{11a84}-\u{11a89}\u{11d46}\u{11f02}]`;
const extend = String.raw`[\p{Grapheme_Extend}\p{Emoji_Modifier}]`;
/** Spacing marks that stand for themselves. */
const notSpacing = String.raw`\u102b\u102c\u1038\u1062-\u1064\u1067-\u106d\u1083\u1087-\u108c\u108f\u109a-\u109c\u1a61\u1a63\u1a64\uaa7b\uaa7d\u{11720}\u{11721}`;
const control = String.raw`[[\p{Zl}\p{Zp}\p{Cc}\p{Cf}[\p{Cn}&&\p{Default_Ignorable_Code_Point}]]--[${prepend}${extend}\u200d]]`;

function build(): string {
  const spacing = String.raw`[[\p{Mc}\u0e33\u0eb3]--[${extend}${notSpacing}]]`;
  const [lead, vowel, tail] = [
    "[\\u1100-\\u115f\\ua960-\\ua97c]",
    "[\\u1160-\\u11a7\\ud7b0-\\ud7c6]",
    "[\\u11a8-\\u11ff\\ud7cb-\\ud7fb]",
  ];
  const open = Array.from({ length: 399 }, (_, i) => String.fromCharCode(0xac00 + 28 * i)).join("");
  const syllable = `(?:[${open}]${vowel}*|[[\\uac00-\\ud7a3]--[${open}]]|${vowel}+)`;
  const hangul = `(?:${lead}*${syllable}${tail}*|${lead}+|${tail}+)`;
  const pictures = String.raw`\p{Extended_Pictographic}(?:${extend}*\u200d\p{Extended_Pictographic})*`;
  const core = String.raw`(?:${hangul}|\p{Regional_Indicator}{2}|${pictures}|[^${control}])`;
  return String.raw`(?:\r\n|${control}|${prepend}*(?:${core}(?:${extend}|${spacing}|\u200d)*)|${prepend}+(?:${extend}|${spacing}|\u200d)*)`;
}
