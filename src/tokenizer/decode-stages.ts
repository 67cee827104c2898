import { isPythonSpace } from "../util/python-space.ts";
import { byteCharacters } from "./byte-characters.ts";
import type { TextGrowth } from "./text-growth.ts";

/** Takes the tokens that a step makes. */
export type Emit = (token: string) => void;

/** A step of a decoder that works on tokens: what comes out may lag behind what goes in, and `end` gives the rest. */
export interface TokenStage {
  push(token: string, emit: Emit): void;
  end(emit: Emit): void;
}

/** A step of a decoder that works on running text. */
export interface TextStage {
  push(text: string): string;
  end(): string;
}

/** Each token by itself; `index` counts from 0. */
export function eachToken(map: (token: string, index: number) => string): TokenStage {
  let index = 0;
  return { push: (token, emit) => emit(map(token, index++)), end: () => {} };
}

/** `BPEDecoder`: the word-end suffix becomes a space, except in the last token, so one token waits. */
export function suffixStage(suffix: string): TokenStage {
  let waiting: string | undefined;
  return {
    push(token, emit) {
      if (waiting !== undefined) emit(waiting.replaceAll(suffix, " "));
      waiting = token;
    },
    end(emit) {
      if (waiting !== undefined) emit(waiting.replaceAll(suffix, ""));
    },
  };
}

/** `CTC`: repeated tokens once, padding away. */
export function ctcStage(padToken: string, delimiter: string, cleanup: boolean): TokenStage {
  let previous: string | undefined;
  return {
    push(token, emit) {
      if (token === previous) return;
      previous = token;
      let text = token.replaceAll(padToken, "");
      if (cleanup) text = cleanUp(text).replaceAll(delimiter, " ");
      if (text !== "") emit(text);
    },
    end: () => {},
  };
}

/**
 * `ByteFallback`: a run of `<0xE3>` tokens is UTF-8. The run is read as a whole: if any of it is invalid, every byte of it
 * becomes U+FFFD (tokenizers' rule), so nothing can be said of a run before it ends.
 */
export function byteFallbackStage(): TokenStage {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let run: number[] = [];
  const flush = (emit: Emit) => {
    if (run.length === 0) return;
    const bytes = Uint8Array.from(run);
    run = [];
    try {
      emit(decoder.decode(bytes));
    } catch {
      for (let i = 0; i < bytes.length; i++) emit("\ufffd");
    }
  };
  return {
    push(token, emit) {
      const byte = fallbackByte(token);
      if (byte >= 0) run.push(byte);
      else {
        flush(emit);
        emit(token);
      }
    },
    end: flush,
  };
}

/** The byte of a token `<0x00>` to `<0xFF>`, or -1. */
function fallbackByte(token: string): number {
  if (token.length !== 6 || token.charCodeAt(0) !== 0x3c || !/^<0x[0-9a-fA-F]{2}>$/.test(token)) return -1;
  return Number.parseInt(token.slice(3, 5), 16);
}

const utf8 = new TextEncoder();
/** Bytes by the character that stands for each; -1 for other characters. */
const byteOf = new Int16Array(0x200).fill(-1);
for (const [byte, character] of byteCharacters.entries()) byteOf[character.charCodeAt(0)] = byte;

/** The bytes that a token of a byte-level model stands for: those of its characters, or of its UTF-8 where one is none. */
function writeBytes(token: string, into: Uint8Array, at: number): number {
  let to = at;
  for (let i = 0; i < token.length; i++) {
    const byte = byteOf[token.charCodeAt(i)] ?? -1;
    if (byte < 0) return at + utf8.encodeInto(token, into.subarray(at)).written;
    into[to++] = byte;
  }
  return to;
}

/** `ByteLevel`: each character of a token is a byte of UTF-8. Characters that are not complete yet wait. */
export function byteLevelText(): TextStage & { pushAll(tokens: readonly string[]): string } {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const pushAll = (tokens: readonly string[]) => {
    let length = 0;
    for (const token of tokens) length += token.length;
    const bytes = new Uint8Array(length * 3);
    let to = 0;
    for (const token of tokens) to = writeBytes(token, bytes, to);
    return decoder.decode(bytes.subarray(0, to), { stream: true });
  };
  return { push: (token) => pushAll([token]), pushAll, end: () => decoder.decode() };
}

/** `Strip` on text: up to `start` leading and `stop` trailing `content` characters go. */
export function stripText(content: string, start: number, stop: number): TextStage {
  let left = start;
  let tail = "";
  return {
    push(text) {
      if (left === 0 && stop === 0) return text;
      let from = 0;
      while (left > 0 && from < text.length && text[from] === content) {
        from++;
        left--;
      }
      if (from < text.length) left = 0;
      tail += text.slice(from);
      const ready = Math.max(0, tail.length - stop);
      const out = tail.slice(0, ready);
      tail = tail.slice(ready);
      return out;
    },
    end() {
      let end = tail.length;
      for (let i = 0; i < stop && end > 0 && tail[end - 1] === content; i++) end--;
      return tail.slice(0, end);
    },
  };
}

/** `Trim` (tsumugi's own): all white space at both ends goes, as in Python's `str.strip`. */
export function trimText(): TextStage {
  let begun = false;
  let waiting = "";
  return {
    push(text) {
      let from = 0;
      while (!begun && from < text.length && isPythonSpace(text.charCodeAt(from))) from++;
      begun ||= from < text.length;
      let to = text.length;
      while (to > from && isPythonSpace(text.charCodeAt(to - 1))) to--;
      const spaces = text.slice(to);
      if (to === from) {
        if (begun) waiting += spaces;
        return "";
      }
      const out = waiting + text.slice(from, to);
      waiting = spaces;
      return out;
    },
    end: () => "",
  };
}

/** Replaces a literal pattern in running text; an end that may begin the pattern waits. */
export function replaceText(pattern: string, content: string, growth?: TextGrowth): TextStage {
  let waiting = "";
  return {
    push(piece) {
      const text = waiting + piece;
      let length = text.length;
      let out = "";
      let done = 0;
      for (let at = text.indexOf(pattern); at >= 0; at = text.indexOf(pattern, done)) {
        length += content.length - pattern.length;
        growth?.check(length);
        out += text.slice(done, at) + content;
        done = at + pattern.length;
      }
      let keep = Math.min(pattern.length - 1, text.length - done);
      while (keep > 0 && !pattern.startsWith(text.slice(text.length - keep))) keep--;
      waiting = keep > 0 ? text.slice(text.length - keep) : "";
      return out + text.slice(done, text.length - keep);
    },
    end: () => waiting,
  };
}

/** A step that needs the whole text before it can say anything. */
export function wholeText(map: (text: string) => string): TextStage {
  let text = "";
  return {
    push(piece) {
      text += piece;
      return "";
    },
    end: () => map(text),
  };
}

/** Steps one after the other. */
export function chainText(stages: readonly TextStage[]): TextStage {
  if (stages.length === 1) return stages[0] as TextStage;
  return {
    push: (text) => stages.reduce((piece, stage) => (piece === "" ? "" : stage.push(piece)), text),
    end: () => stages.reduce((piece, stage) => (piece === "" ? "" : stage.push(piece)) + stage.end(), ""),
  };
}

const cleanUps: [string, string][] = [
  [" .", "."],
  [" ?", "?"],
  [" !", "!"],
  [" ,", ","],
  [" ' ", "'"],
  [" n't", "n't"],
  [" 'm", "'m"],
  [" 's", "'s"],
  [" 've", "'ve"],
  [" 're", "'re"],
];

/** transformers' clean_up_tokenization: spaces before punctuation and English contractions go. */
export function cleanUpText(): TextStage {
  return chainText(cleanUps.map(([pattern, content]) => replaceText(pattern, content)));
}

/** The clean-up of tokenizers' WordPiece and CTC decoders: one contraction more, and on single tokens. */
export function cleanUp(text: string): string {
  if (!/[.?!,']| do not/.test(text)) return text;
  let out = text;
  for (const [pattern, content] of cleanUps.slice(0, 7)) out = out.replaceAll(pattern, content);
  out = out.replaceAll(" do not", " don't");
  for (const [pattern, content] of cleanUps.slice(7)) out = out.replaceAll(pattern, content);
  return out;
}
