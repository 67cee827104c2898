import { byteCharacters } from "../tokenizer/byte-characters.ts";
import type { Tokenizer } from "../tokenizer/index.ts";

const utf8 = new TextEncoder();
const byteOf = new Map(byteCharacters.map((character, byte) => [character, byte]));

/** Bytes of text that a token stands for, whatever stands beside it. */
export type TokenBytes = (id: number) => Uint8Array;

/** Bytes of each token, read from the tokenizer's decoder; remembered. */
export function createTokenBytes(tokenizer: Tokenizer): TokenBytes {
  const { decoding } = tokenizer;
  const kinds = decoderKinds(decoding.decoder);
  const known = new Map<number, Uint8Array>();
  const compute = (id: number): Uint8Array => {
    const token = decoding.tokenOf(id);
    if (token === undefined) return new Uint8Array(0);
    if (kinds.has("ByteLevel")) return fromByteCharacters(token) ?? utf8.encode(token);
    if (decoding.isSpecial(token)) return utf8.encode(token);
    const byte = kinds.has("ByteFallback") ? /^<0x([0-9A-Fa-f]{2})>$/.exec(token) : null;
    if (byte) return Uint8Array.of(Number.parseInt(byte[1]!, 16));
    if (kinds.has("WordPiece")) return utf8.encode(token.startsWith("##") ? token.slice(2) : ` ${token}`);
    return utf8.encode(token.replaceAll("▁", " "));
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
