import { z } from "zod";
import { endsWithin, joinBytes } from "../../util/bytes.ts";
import type { PartialFields } from "../../util/partial-fields.ts";
import { expects, fields, number, texts, whole } from "../../util/schemas.ts";
import type { Processor, ProcessorContext } from "../processor.ts";
import { defineProcessor, overHistory } from "./definition.ts";

/** Settings of DRY. */
export interface Dry {
  /** The strength of the penalty. Default 0: off. 0.8 is usual. */
  multiplier: number;
  /** The penalty grows by this factor with each repeated token. At least 1; default 1.75. */
  base: number;
  /** Repeats up to this length cost nothing. Default 2. */
  allowedLength: number;
  /** How many tokens it looks back over. Default −1: all. */
  penaltyLastN: number;
  /** Texts that break a repeat. Default: newline, colon, double quote and asterisk. */
  sequenceBreakers: string[];
}

const lastN = expects("a whole number of at least 0, or -1 for all", z.int().min(-1));

declare module "../options.ts" {
  interface SamplingOptions {
    /** DRY, as in llama.cpp: tokens that would continue a repeated sequence lose exponentially. Off without `multiplier`. */
    dry?: PartialFields<Dry> | null | undefined;
  }
}

/** Don't Repeat Yourself (p-e-w, 2024) lowers tokens that would continue a repeat, exponentially, as llama.cpp defines it. */
export const dry = defineProcessor({
  name: "dry",
  order: 4.3,
  sampling: false,
  default: null,
  description:
    '`{ multiplier, base: 1.75, allowedLength: 2, penaltyLastN: -1, sequenceBreakers: ["\\n", ":", "\\"", "*"] }`: penalises tokens that would continue a sequence that came before, the more the longer it is. As llama.cpp\'s.',
  schema: fields({
    multiplier: number("a number of at least 0", { minimum: 0 }).default(0),
    base: number("a number of at least 1", { minimum: 1 }).default(1.75),
    allowedLength: whole(0).default(2),
    penaltyLastN: lastN.default(-1),
    sequenceBreakers: texts.default(["\n", ":", '"', "*"]),
  }),
  off: ({ multiplier, penaltyLastN }) => multiplier === 0 || penaltyLastN === 0,
  readsText: ({ sequenceBreakers }) => sequenceBreakers.length > 0,
  create: penaliseRepeats,
});

const utf8 = new TextEncoder();
const greatestLog = 88.7228391; // the logarithm of the greatest float32, where the penalty's exponent ends

function penaliseRepeats(settings: Dry, { promptTokens, vocabularySize, tokenBytes }: ProcessorContext): Processor {
  const { multiplier, base, allowedLength, penaltyLastN } = settings;
  const strings = settings.sequenceBreakers.map((text) => utf8.encode(text));
  const longest = base > 1.000001 ? Math.floor(greatestLog / Math.log(base)) : Number.MAX_SAFE_INTEGER;
  const isBreaker = (token: number) => {
    const bytes = tokenBytes?.(token);
    return bytes !== undefined && strings.some((breaker) => endsWithin(bytes, breaker, bytes.length));
  };
  return overHistory(promptTokens, (row) => {
    const history = penaltyLastN < 0 ? row : row.slice(-penaltyLastN);
    if (history.length <= allowedLength) return [];
    const limit = tokenBytes ? behindBreaker(history, strings, tokenBytes) : history.length;
    if (limit < allowedLength) return [];
    const penalties = new Map<number, number>();
    for (const [token, length] of repeats(history, limit)) {
      if (length < allowedLength || token >= vocabularySize || isBreaker(token)) continue;
      penalties.set(token, Math.max(length, penalties.get(token) ?? 0));
    }
    if (penalties.size === 0) return [];
    const values = Float32Array.from(
      penalties.values(),
      (length) => -multiplier * base ** Math.min(length - allowedLength, longest),
    );
    return [{ kind: "edit", how: "add", tokens: Int32Array.from(penalties.keys()), values }];
  });
}

/** Gives for each earlier place the token there, and how many tokens before it equal the end of the row (at most `limit`). */
function* repeats(history: readonly number[], limit: number): Generator<[token: number, length: number]> {
  const last = history.length - 1;
  // Z-algorithm over the row from its end: length[k] tokens before place last − k + 1 equal those at the end.
  const length = new Int32Array(history.length);
  let left = 0;
  let right = 0;
  for (let k = 1; k <= last; k++) {
    let same = k < right ? Math.min(right - k, length[k - left]!) : 0;
    while (k + same <= last && history[last - same] === history[last - k - same]) same++;
    length[k] = same;
    if (k + same > right) {
      left = k;
      right = k + same;
    }
    yield [history[last - k + 1]!, Math.min(same, limit)];
  }
}

/** Counts the tokens behind the last one in which a breaker ends. */
function behindBreaker(
  history: readonly number[],
  breakers: readonly Uint8Array[],
  tokenBytes: (token: number) => Uint8Array,
): number {
  const longest = Math.max(0, ...breakers.map((breaker) => breaker.length));
  for (let count = 0; count < history.length; count++) {
    const end = history.length - 1 - count;
    let text = tokenBytes(history[end]!);
    const own = text.length;
    for (let i = end - 1; i >= 0 && text.length < own + longest - 1; i--) text = joinBytes(tokenBytes(history[i]!), text);
    if (breakers.some((breaker) => endsWithin(text, breaker, own))) return count;
  }
  return history.length;
}
