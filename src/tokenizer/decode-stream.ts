import { TsumugiError } from "../errors.ts";
import { isRecord, listOf } from "../util/json-value.ts";
import {
  byteFallbackStage,
  byteLevelText,
  chainText,
  cleanUp,
  cleanUpText,
  ctcStage,
  type Emit,
  eachToken,
  replaceText,
  stripText,
  suffixStage,
  type TextStage,
  type TokenStage,
  trimText,
  wholeText,
} from "./decode-stages.ts";
import { patternOf } from "./patterns/index.ts";
import { TextGrowth } from "./text-growth.ts";

/**
 * Token strings in, text out, piece by piece. All text of a tokenizer is made here (`decode` pushes every token and ends),
 * so the pieces of a stream add up to the full decode by construction, at a constant cost per token.
 */
export interface DecodeStream {
  push(token: string): string;
  /** The same for several tokens, at once. */
  pushAll(tokens: readonly string[]): string;
  /** What was still held back. The stream is not to be used afterwards. */
  end(): string;
}

interface Stages {
  tokens: TokenStage[];
  /** Whether tokens are joined as bytes. */
  bytes: boolean;
  texts: TextStage[];
}

/** The stream that `decoder` of a tokenizer.json describes. Errors: `unsupported_tokenizer`, `text_outgrown`. */
export function createDecodeStream(decoder: unknown, options: { cleanUp?: boolean } = {}): DecodeStream {
  // What token steps make of the tokens, and what all steps make of them.
  const [growth, whole] = [new TextGrowth("decoder", 0), new TextGrowth("decoder", 0)];
  const kept = (text: string) => {
    whole.take(text.length);
    return text;
  };
  const { tokens, bytes, texts } = stagesOf(decoder, options, growth);
  const joined = bytes ? byteLevelText() : undefined;
  const text = chainText(joined ? [joined, ...texts] : texts);
  const rest = chainText(texts);
  let out = "";
  let pieces: string[] | undefined;
  const chain = chainTokens(tokens, (piece) => {
    growth.take(piece.length);
    if (pieces) pieces.push(piece);
    else out += text.push(piece);
  });
  return {
    push(token) {
      growth.give(token.length);
      whole.give(token.length);
      out = "";
      chain.push(token);
      return kept(out);
    },
    pushAll(several) {
      pieces = [];
      for (const token of several) {
        growth.give(token.length);
        whole.give(token.length);
      }
      for (const token of several) chain.push(token);
      const made = joined ? joined.pushAll(pieces) : pieces.join("");
      pieces = undefined;
      return made === "" ? "" : kept(rest.push(made));
    },
    end() {
      out = "";
      chain.end();
      return kept(out + text.end());
    },
  };
}

/** The whole text of token strings. */
export function decodeTokens(decoder: unknown, tokens: readonly string[], options: { cleanUp?: boolean } = {}): string {
  const stream = createDecodeStream(decoder, options);
  const text = stream.pushAll(tokens);
  return text + stream.end();
}

function stagesOf(decoder: unknown, options: { cleanUp?: boolean }, growth: TextGrowth): Stages {
  const steps = flatten(decoder);
  // Until a step joins the tokens (ByteLevel, Fuse), steps see tokens; after it, running text.
  const joins = steps.findIndex((step) => step.type === "ByteLevel" || step.type === "Fuse");
  const tokens = (joins < 0 ? steps : steps.slice(0, joins)).map((step) => tokenStage(step, growth));
  const texts = joins < 0 ? [] : steps.slice(joins + 1).map((step) => textStage(step, growth));
  if (options.cleanUp) texts.push(cleanUpText());
  return { tokens, bytes: steps[joins]?.type === "ByteLevel", texts };
}

/** Steps on tokens one after the other; what the last one makes goes to `sink`. */
function chainTokens(stages: readonly TokenStage[], sink: Emit): { push: Emit; end(): void } {
  return stages.reduceRight<{ push: Emit; end(): void }>(
    (next, stage) => ({
      push: (token) => stage.push(token, next.push),
      end() {
        stage.end(next.push);
        next.end();
      },
    }),
    { push: sink, end: () => {} },
  );
}

type Step = Record<string, unknown> & { type: string };

function flatten(decoder: unknown): Step[] {
  if (decoder === null || decoder === undefined) return [{ type: "Join" }];
  if (!isRecord(decoder) || typeof decoder.type !== "string") throw unsupported(decoder);
  if (decoder.type === "Sequence") return listOf(decoder.decoders).flatMap(flatten);
  return [decoder as Step];
}

function tokenStage(step: Step, growth: TextGrowth): TokenStage {
  switch (step.type) {
    case "Join":
      return eachToken((token, index) => (index === 0 ? token : ` ${token}`));
    case "Replace": {
      const replace = replacer(step, growth);
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
      return eachToken((token, index) =>
        token.includes(mark) ? token.replaceAll(mark, index === 0 && !keepsFirst ? "" : " ") : token,
      );
    }
    case "WordPiece": {
      const prefix = String(step.prefix ?? "##");
      const texts = new Map<string, string>();
      const textOf = (token: string): string => {
        const word = token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`;
        const text = step.cleanup === false ? word : cleanUp(word);
        if (texts.size > 10_000) texts.clear();
        texts.set(token, text);
        return text;
      };
      return eachToken((token, index) => {
        if (index === 0) return step.cleanup === false ? token : cleanUp(token);
        return texts.get(token) ?? textOf(token);
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

function textStage(step: Step, growth: TextGrowth): TextStage {
  switch (step.type) {
    case "Fuse":
      return chainText([]);
    case "Strip":
      return stripText(...stripOf(step));
    case "Trim":
      return trimText();
    case "Replace":
      if (isRecord(step.pattern) && typeof step.pattern.String === "string" && step.pattern.String !== "")
        return replaceText(step.pattern.String, String(step.content ?? ""), growth);
      return wholeText(replacer(step, growth));
    case "ByteLevel":
      return wholeText((text) => {
        const bytes = byteLevelText();
        return bytes.push(text) + bytes.end();
      });
    default:
      // The joined text is one token to the step.
      return wholeText((text) => {
        const stage = tokenStage(step, growth);
        let out = "";
        const emit = (piece: string) => {
          out += piece;
        };
        stage.push(text, emit);
        stage.end(emit);
        return out;
      });
  }
}

function replacer(step: Step, growth: TextGrowth): (text: string) => string {
  const content = String(step.content ?? "");
  const pattern = patternOf(step.pattern);
  if (!pattern) throw unsupported(step);
  return (text) => pattern.replace(text, content, growth);
}

function stripOf(step: Step): [string, number, number] {
  return [String(step.content ?? " "), Number(step.start ?? 0), Number(step.stop ?? 0)];
}

function unsupported(given: unknown): TsumugiError {
  return new TsumugiError("unsupported_tokenizer", { what: "decoder", given });
}
