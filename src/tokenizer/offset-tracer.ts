import type { AddedTokenSplitter } from "./added-token-splitter.ts";
import { type AlignedText, compose, widthAt } from "./aligned-text.ts";
import type { EncodedText } from "./encoded-text.ts";
import type { Normalizer } from "./normalizer.ts";
import type { PreTokenizerStep } from "./pre-tokenizers.ts";
import { TextGrowth } from "./text-growth.ts";
import type { WordMemory } from "./word-memory.ts";
import type { WordTokens } from "./word-model.ts";

interface Parts {
  normalizer: Normalizer | undefined;
  steps: readonly PreTokenizerStep[];
  raw: AddedTokenSplitter;
  normalized: AddedTokenSplitter;
  words: WordMemory;
  /** The id whose tokens are named by their text. */
  namedByText: number | undefined;
}

/** Characters between two turns of the generator. */
const sliceLength = 500;

/**
 * Encodes a text with the places of its tokens. Every step says where each of its characters comes from, so that a token
 * stands for all of the text from the character that its first one comes from to that of its last.
 *
 * Source: huggingface/tokenizers `NormalizedString::convert_offsets`, `PreTokenizedString::into_encoding`.
 */
export class OffsetTracer {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** `splitSpecial` leaves special tokens in the text to the model. */
  *steps(text: string, splitSpecial: boolean): Generator<void, EncodedText> {
    const { normalizer, raw, normalized, words, namedByText } = this.#parts;
    const ids: number[] = [];
    const growth = new TextGrowth("normalizer", text.length);
    const ranges: number[] = [];
    const texts = new Map<number, string>();
    let characters = 0;
    for (const section of raw.split(text, splitSpecial)) {
      if (section.token) {
        texts.set(ids.length, section.text);
        ids.push(section.token.id);
        ranges.push(section.start, section.start + section.text.length);
        continue;
      }
      const aligned = normalizer ? normalizer.align(section.text, growth) : { text: section.text };
      growth.take(aligned.text.length);
      yield;
      const whole: Slice = { ...aligned, base: section.start, start: section.start };
      for (const piece of normalized.split(aligned.text, splitSpecial)) {
        const part = slice(whole, piece.start, piece.start + piece.text.length);
        if (piece.token) {
          texts.set(ids.length, piece.text);
          ids.push(piece.token.id);
          pushRange(ranges, text, part, 0, part.text.length);
          continue;
        }
        const cutWords = this.#cut(part);
        yield;
        for (const word of cutWords) {
          const add = (tokens: WordTokens, at: number) => {
            const places = tokens.ranges as Int32Array;
            for (let i = 0; i < tokens.ids.length; i++) {
              const [start, end] = [at + (places[2 * i] as number), at + (places[2 * i + 1] as number)];
              if (tokens.ids[i] === namedByText) texts.set(ids.length, word.text.slice(start, end));
              ids.push(tokens.ids[i] as number);
              pushRange(ranges, text, word, start, end);
            }
          };
          const cut = words.partsOf(word.text);
          let at = 0;
          for (const part of cut ?? [word.text]) {
            const isPart = cut !== undefined;
            add(words.isLong(part) ? yield* words.steps(part, isPart) : words.tokens(part, isPart), at);
            at += part.length;
            characters += part.length;
            if (characters < sliceLength) continue;
            characters = 0;
            yield;
          }
        }
      }
    }
    return { ids, ranges, texts };
  }

  /** The words of a piece. */
  #cut(piece: Slice): Slice[] {
    const found: Slice[] = [];
    const { steps } = this.#parts;
    const go = (at: number, given: Slice) => {
      let word = given;
      for (let next = at; next < steps.length; next++) {
        const step = steps[next] as PreTokenizerStep;
        if (step.kind === "rewrite") {
          word = { ...word, ...compose(word, step.align(word.text, beginsText(word))) };
          continue;
        }
        const bounds = step.cut(word.text);
        for (let i = 0; i < bounds.length; i += 2) {
          const part = slice(word, bounds[i] as number, bounds[i + 1] as number);
          if (next + 1 === steps.length) found.push(part);
          else go(next + 1, part);
        }
        return;
      }
      found.push(word);
    };
    go(0, piece);
    return found;
  }
}

/**
 * A part of a section, which begins at `base` of the text. Unit i stands for what stands at `start + i` of the text; with
 * `from`, at `start + from[i]`, or for nothing where that is -1.
 */
interface Slice extends AlignedText {
  base: number;
  start: number;
}

function slice({ text, from, base, start }: Slice, first: number, end: number): Slice {
  const part = text.slice(first, end);
  return from ? { text: part, from: from.subarray(first, end), base, start } : { text: part, base, start: start + first };
}

function beginsText({ from, base, start }: Slice): boolean {
  const place = from?.[0] ?? 0;
  return (place < 0 ? base : start + place) === 0;
}

/** Adds start and end in the text of what units `first` to `end` of a word stand for. */
function pushRange(ranges: number[], text: string, { from, base, start }: Slice, first: number, end: number): void {
  if (!from) {
    ranges.push(start + first, start + end);
    return;
  }
  const begin = from[first] as number;
  const last = from[end - 1] as number;
  ranges.push(begin < 0 ? base : start + begin, last < 0 ? base : start + last + widthAt(text, start + last));
}
