import { writeUtf8 } from "./utf8.ts";

/** GPT-2's 256 printable characters, one per byte. Source: openai/gpt-2 `bytes_to_unicode`. */
export const byteCharacters: readonly string[] = (() => {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    return String.fromCharCode(printable ? byte : next++);
  });
})();

/** A word in the characters that stand for its bytes. */
export function toByteCharacters(word: string): string {
  let out = "";
  const bytes: number[] = [];
  for (const character of word) {
    const length = writeUtf8(character.codePointAt(0) as number, bytes, 0);
    for (let b = 0; b < length; b++) out += byteCharacters[bytes[b] as number];
  }
  return out;
}
