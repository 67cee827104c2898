import { byteCharacters } from "./byte-characters.ts";

/** A step of a decoder that works on tokens: what comes out may lag behind what goes in, and `end` gives the rest. */
export interface TokenStage {
  push(token: string): string[];
  end(): string[];
}

/** A step of a decoder that works on running text. */
export interface TextStage {
  push(text: string): string;
  end(): string;
}

/** Each token by itself; `index` counts from 0. */
export function eachToken(map: (token: string, index: number) => string): TokenStage {
  let index = 0;
  return { push: (token) => [map(token, index++)], end: () => [] };
}

/** `BPEDecoder`: the word-end suffix becomes a space, except in the last token, so one token waits. */
export function suffixStage(suffix: string): TokenStage {
  let waiting: string | undefined;
  return {
    push(token) {
      const out = waiting === undefined ? [] : [waiting.replaceAll(suffix, " ")];
      waiting = token;
      return out;
    },
    end: () => (waiting === undefined ? [] : [waiting.replaceAll(suffix, "")]),
  };
}

/** `CTC`: repeated tokens once, padding away. */
export function ctcStage(padToken: string, delimiter: string, cleanup: boolean): TokenStage {
  let previous: string | undefined;
  return {
    push(token) {
      if (token === previous) return [];
      previous = token;
      let text = token.replaceAll(padToken, "");
      if (cleanup) text = cleanUp(text).replaceAll(delimiter, " ");
      return text === "" ? [] : [text];
    },
    end: () => [],
  };
}

/**
 * `ByteFallback`: a run of `<0xE3>` tokens is UTF-8. The run is read as a whole: if any of it is invalid, every byte of it
 * becomes U+FFFD (tokenizers' rule), so nothing can be said of a run before it ends.
 */
export function byteFallbackStage(): TokenStage {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let run: number[] = [];
  const flush = () => {
    if (run.length === 0) return [];
    const bytes = Uint8Array.from(run);
    run = [];
    try {
      return [decoder.decode(bytes)];
    } catch {
      return Array.from(bytes, () => "\ufffd");
    }
  };
  return {
    push(token) {
      const byte = /^<0x([0-9a-fA-F]{2})>$/.exec(token)?.[1];
      if (byte === undefined) return [...flush(), token];
      run.push(Number.parseInt(byte, 16));
      return [];
    },
    end: flush,
  };
}

const byteOf = new Map(byteCharacters.map((character, byte) => [character, byte]));

/** `ByteLevel`: each character of a token is a byte of UTF-8. Characters that are not complete yet wait. */
export function byteLevelText(): TextStage {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const encoder = new TextEncoder();
  return {
    push(token) {
      const bytes: number[] = [];
      for (const character of token) {
        const byte = byteOf.get(character);
        if (byte === undefined) return decoder.decode(encoder.encode(token), { stream: true });
        bytes.push(byte);
      }
      return decoder.decode(Uint8Array.from(bytes), { stream: true });
    },
    end: () => decoder.decode(),
  };
}

/** `Strip` on text: up to `start` leading and `stop` trailing `content` characters go. */
export function stripText(content: string, start: number, stop: number): TextStage {
  let left = start;
  let tail = "";
  return {
    push(text) {
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

const pythonSpace = /^[\t-\r\u001c- \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]$/;

/** `Trim` (tsumugi's own): all white space at both ends goes, as in Python's `str.strip`. */
export function trimText(): TextStage {
  let begun = false;
  let waiting = "";
  return {
    push(text) {
      let from = 0;
      while (!begun && from < text.length && pythonSpace.test(text[from] as string)) from++;
      begun ||= from < text.length;
      let to = text.length;
      while (to > from && pythonSpace.test(text[to - 1] as string)) to--;
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
export function replaceText(pattern: string, content: string): TextStage {
  let waiting = "";
  return {
    push(text) {
      waiting += text;
      let out = "";
      for (let at = waiting.indexOf(pattern); at >= 0; at = waiting.indexOf(pattern)) {
        out += waiting.slice(0, at) + content;
        waiting = waiting.slice(at + pattern.length);
      }
      let keep = Math.min(pattern.length - 1, waiting.length);
      while (keep > 0 && !pattern.startsWith(waiting.slice(waiting.length - keep))) keep--;
      out += waiting.slice(0, waiting.length - keep);
      waiting = waiting.slice(waiting.length - keep);
      return out;
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
  return {
    push: (text) => stages.reduce((piece, stage) => stage.push(piece), text),
    end: () => stages.reduce((piece, stage) => stage.push(piece) + stage.end(), ""),
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
  let out = text;
  for (const [pattern, content] of cleanUps.slice(0, 7)) out = out.replaceAll(pattern, content);
  out = out.replaceAll(" do not", " don't");
  for (const [pattern, content] of cleanUps.slice(7)) out = out.replaceAll(pattern, content);
  return out;
}
