/** Words that are longer than this are cut before BPE sees them. */
const longWord = 64;

/**
 * Cuts a long word where no token can reach across: between two characters that stand side by side in no token of the
 * vocabulary. BPE only ever joins neighbours into tokens, so the parts give the same tokens as the whole, and none of them
 * takes long. Two unknown characters stay together, since they may be joined to one unknown token.
 */
export function createWordCutter(ids: ReadonlyMap<string, number>): (word: string) => string[] {
  let pairs: Set<string> | undefined;
  return (word) => {
    if (word.length <= longWord) return [word];
    pairs ??= pairsOf(ids.keys());
    const parts: string[] = [];
    let part = "";
    let previous: string | undefined;
    for (const character of word) {
      const apart = previous !== undefined && !pairs.has(previous + character) && (ids.has(previous) || ids.has(character));
      if (apart) {
        parts.push(part);
        part = "";
      }
      part += character;
      previous = character;
    }
    parts.push(part);
    return parts;
  };
}

function pairsOf(tokens: Iterable<string>): Set<string> {
  const pairs = new Set<string>();
  for (const token of tokens) {
    let previous = "";
    for (const character of token) {
      if (previous !== "") pairs.add(previous + character);
      previous = character;
    }
  }
  return pairs;
}
