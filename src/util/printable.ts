/** Characters that a terminal obeys, or that turn the direction of what stands around them; line ends too. */
const unprintable = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]|\p{Surrogate}/gu;

/**
 * Text from elsewhere (a server's header, a file's name) as one line for a message: control characters are written as
 * escapes, so that no terminal obeys them, and what is longer than `limit` characters is cut.
 */
export function printable(text: string, limit = 200): string {
  const cut = text.length > limit ? `${text.slice(0, limit)}…` : text;
  return cut.replace(unprintable, (character) => {
    if (character === "\n") return "\\n";
    if (character === "\t") return "\\t";
    return escapeCharacter(character);
  });
}

/** A character by its number, as JavaScript writes it: `\x1b`, `\u202e`. */
export function escapeCharacter(character: string): string {
  const code = character.charCodeAt(0);
  return code < 256 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
}
