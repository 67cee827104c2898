import { TsumugiError } from "../errors.ts";
import { byteCharacters } from "../tokenizer/byte-characters.ts";
import type { Tokenizer } from "../tokenizer/index.ts";

const utf8 = new TextEncoder();
const byteOf = new Map(byteCharacters.map((character, byte) => [character, byte]));

/** Bytes of text that a token stands for, whatever stands beside it. */
export type TokenBytes = (id: number) => Uint8Array;

/**
 * Bytes of each token as they stand inside of a text: a byte of a character where the token is one, else what the decoder adds
 * to a word when the token follows it. Remembered. Source: transformers' `StopStringCriteria.clean_tokenizer_vocab`.
 */
export function createTokenBytes(tokenizer: Tokenizer): TokenBytes {
  const { decoding } = tokenizer;
  const kinds = decoderKinds(decoding.decoder);
  const textOf = placedText(tokenizer);
  const known = new Map<number, Uint8Array>();
  const compute = (id: number): Uint8Array => {
    const token = decoding.tokenOf(id);
    if (token === undefined) return new Uint8Array(0);
    const byte = kinds.has("ByteFallback") ? /^<0x([0-9A-Fa-f]{2})>$/.exec(token) : null;
    if (byte) return Uint8Array.of(Number.parseInt(byte[1]!, 16));
    const bytes = kinds.has("ByteLevel") && !kinds.has("ByteFallback") ? fromByteCharacters(token) : undefined;
    return bytes ?? utf8.encode(textOf(token));
  };
  return (id) => {
    let bytes = known.get(id);
    if (bytes === undefined) {
      bytes = compute(id);
      known.set(id, bytes);
    }
    return bytes;
  };
}

/** A word for tokens to follow. */
const word = "abcdef";

/** What a token adds to the text of a word. */
function placedText(tokenizer: Tokenizer): (token: string) => string {
  const before = tokensOf(tokenizer, word);
  const alone = tokenizer.convertTokensToString(before);
  return (token) => {
    const text = tokenizer.convertTokensToString([...before, token]);
    const at = text.indexOf(word);
    if (at >= 0) return text.slice(at + word.length);
    // A vocabulary without these letters has another text for the word.
    return text.startsWith(alone) ? text.slice(alone.length) : tokenizer.convertTokensToString([token]);
  };
}

/** The tokens of a word; none where the vocabulary has none for it. */
function tokensOf(tokenizer: Tokenizer, text: string): string[] {
  try {
    return tokenizer.tokenize(text);
  } catch (error) {
    if (TsumugiError.isInstance(error) && error.code === "unknown_text") return [];
    throw error;
  }
}

/** `undefined` where a character stands for no byte: an added token, kept as text. */
function fromByteCharacters(token: string): Uint8Array | undefined {
  const bytes: number[] = [];
  for (const character of token) {
    const byte = byteOf.get(character);
    if (byte === undefined) return undefined;
    bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}

/** `type` of the decoder, and of those in a sequence. */
function decoderKinds(decoder: unknown): Set<string> {
  const kinds = new Set<string>();
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    if ("type" in value && typeof value.type === "string") kinds.add(value.type);
    if ("decoders" in value && Array.isArray(value.decoders)) value.decoders.forEach(visit);
  };
  visit(decoder);
  return kinds;
}
