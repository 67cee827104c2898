import { TsumugiError } from "../errors.ts";
import {
  byteFallbackStage,
  byteLevelText,
  chainText,
  cleanUp,
  cleanUpText,
  ctcStage,
  eachToken,
  replaceText,
  stripText,
  suffixStage,
  type TextStage,
  type TokenStage,
  trimText,
  wholeText,
} from "./decode-stages.ts";
import { isRecord, listOf } from "./json.ts";
import { library } from "./library.ts";

/**
 * Token strings in, text out, piece by piece. All text of a tokenizer is made here (`decode` pushes every token and ends),
 * so the pieces of a stream add up to the full decode by construction, at a constant cost per token.
 */
export interface DecodeStream {
  push(token: string): string;
  /** What was still held back. The stream is not to be used afterwards. */
  end(): string;
}

/** The stream that `decoder` of a tokenizer.json describes. Errors: `unsupported_tokenizer`. */
export function createDecodeStream(decoder: unknown, options: { cleanUp?: boolean } = {}): DecodeStream {
  const steps = flatten(decoder);
  // Until a step joins the tokens (ByteLevel, Fuse), steps see tokens; after it, running text.
  const joins = steps.findIndex((step) => step.type === "ByteLevel" || step.type === "Fuse");
  const tokens = (joins < 0 ? steps : steps.slice(0, joins)).map(tokenStage);
  const texts: TextStage[] = [];
  if (joins >= 0) {
    if (steps[joins]?.type === "ByteLevel") texts.push(byteLevelText());
    texts.push(...steps.slice(joins + 1).map(textStage));
  }
  if (options.cleanUp) texts.push(cleanUpText());
  const text = chainText(texts);
  return {
    push: (token) => through(tokens, 0, [token]).reduce((out, piece) => out + text.push(piece), ""),
    end() {
      let out = "";
      for (const [i, stage] of tokens.entries())
        for (const piece of through(tokens, i + 1, stage.end())) out += text.push(piece);
      return out + text.end();
    },
  };
}

/** The whole text of token strings. */
export function decodeTokens(decoder: unknown, tokens: Iterable<string>, options: { cleanUp?: boolean } = {}): string {
  const stream = createDecodeStream(decoder, options);
  const pieces: string[] = [];
  for (const token of tokens) pieces.push(stream.push(token));
  pieces.push(stream.end());
  return pieces.join("");
}

function through(stages: readonly TokenStage[], from: number, tokens: string[]): string[] {
  let out = tokens;
  for (const stage of stages.slice(from)) out = out.flatMap((token) => stage.push(token));
  return out;
}

type Step = Record<string, unknown> & { type: string };

function flatten(decoder: unknown): Step[] {
  if (decoder === null || decoder === undefined) return [{ type: "Join" }];
  if (!isRecord(decoder) || typeof decoder.type !== "string") throw unsupported(decoder);
  if (decoder.type === "Sequence") return listOf(decoder.decoders).flatMap(flatten);
  return [decoder as Step];
}

function tokenStage(step: Step): TokenStage {
  switch (step.type) {
    case "Join":
      return eachToken((token, index) => (index === 0 ? token : ` ${token}`));
    case "Replace": {
      const replace = replacer(step);
      return eachToken(replace);
    }
    case "ByteFallback":
      return byteFallbackStage();
    case "Strip": {
      const [content, start, stop] = stripOf(step);
      return eachToken((token) => {
        const strip = stripText(content, start, stop);
        return strip.push(token) + strip.end();
      });
    }
    case "Metaspace": {
      const mark = String(step.replacement ?? "▁");
      const keepsFirst = step.prepend_scheme === "never" || (!("prepend_scheme" in step) && step.add_prefix_space === false);
      return eachToken((token, index) => token.replaceAll(mark, index === 0 && !keepsFirst ? "" : " "));
    }
    case "WordPiece": {
      const prefix = String(step.prefix ?? "##");
      return eachToken((token, index) => {
        const word = index === 0 ? token : token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`;
        return step.cleanup === false ? word : cleanUp(word);
      });
    }
    case "BPEDecoder":
      return suffixStage(String(step.suffix ?? "</w>"));
    case "CTC":
      return ctcStage(String(step.pad_token ?? "<pad>"), String(step.word_delimiter_token ?? "|"), step.cleanup !== false);
    default:
      throw unsupported(step.type);
  }
}

function textStage(step: Step): TextStage {
  switch (step.type) {
    case "Fuse":
      return chainText([]);
    case "Strip":
      return stripText(...stripOf(step));
    case "Trim":
      return trimText();
    case "Replace":
      if (isRecord(step.pattern) && typeof step.pattern.String === "string" && step.pattern.String !== "")
        return replaceText(step.pattern.String, String(step.content ?? ""));
      return wholeText(replacer(step));
    case "ByteLevel":
      return wholeText((text) => {
        const bytes = byteLevelText();
        return bytes.push(text) + bytes.end();
      });
    default:
      // The joined text is one token to the step.
      return wholeText((text) => {
        const stage = tokenStage(step);
        return [...stage.push(text), ...stage.end()].join("");
      });
  }
}

function replacer(step: Step): (text: string) => string {
  const content = String(step.content ?? "");
  if (isRecord(step.pattern) && typeof step.pattern.String === "string") {
    const pattern = step.pattern.String;
    return (text) => text.replaceAll(pattern, () => content);
  }
  const { pattern } = new library.ReplaceDecoder(step);
  if (!pattern) throw unsupported(step);
  return (text) => text.replace(pattern, () => content);
}

function stripOf(step: Step): [string, number, number] {
  return [String(step.content ?? " "), Number(step.start ?? 0), Number(step.stop ?? 0)];
}

function unsupported(given: unknown): TsumugiError {
  return new TsumugiError("unsupported_tokenizer", { what: "decoder", given });
}
