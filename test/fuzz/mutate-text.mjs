/** Damage to a text in some language: spans cut, doubled, swapped and mixed with spans of another text, and snippets put in. */

/**
 * The text with one to five damages, at most 20,000 UTF-16 units long.
 *
 * @param {string} text
 * @param {string} other a text to take spans of
 * @param {readonly string[]} snippets
 * @param {import("./random.mjs").Random} random
 */
export function mutateText(text, other, snippets, random) {
  let result = text;
  for (let left = random.pick([1, 1, 2, 3, 5]); left > 0; left--)
    result = damageOnce(result, other, snippets, random).slice(0, 20_000);
  return result;
}

function damageOnce(text, other, snippets, random) {
  const [at, end] = span(text, random);
  const part = text.slice(at, end);
  switch (random.below(7)) {
    case 0:
      return text.slice(0, at) + text.slice(end);
    case 1:
      return text.slice(0, end) + part + text.slice(end);
    case 2: {
      const [from, to] = span(other, random);
      return text.slice(0, at) + other.slice(from, to) + text.slice(end);
    }
    case 3:
      return text.slice(0, at) + random.pick(snippets).repeat(random.pick([1, 1, 1, 2, 50, 2000])) + text.slice(at);
    case 4:
      return text.slice(0, at);
    default:
      return text.slice(0, at) + random.pick(snippets) + text.slice(random.chance(0.5) ? at : end);
  }
}

function span(text, random) {
  const at = random.below(text.length + 1);
  return [at, Math.min(text.length, at + random.below(random.pick([3, 12, 80, 400])))];
}
