import type { AddedTokenSplitter } from "./added-vocabulary.ts";
import { type AlignedText, compose, widthAt } from "./aligned-text.ts";
import type { Normalizer } from "./normalizers.ts";
import type { PreTokenizerStep } from "./pre-tokenizers.ts";
import type { EncodedText } from "./text-encoder.ts";
import type { WordMemory } from "./word-memory.ts";

interface Parts {
  normalizer: Normalizer | undefined;
  steps: readonly PreTokenizerStep[];
  raw: AddedTokenSplitter;
  normalized: AddedTokenSplitter;
  words: WordMemory;
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

  *steps(whole: string): Generator<void, EncodedText> {
    const { normalizer, raw, normalized, words } = this.#parts;
    const ids: number[] = [];
    const ranges: number[] = [];
    let characters = 0;
    for (const section of raw.split(whole)) {
      const base = section.start;
      if (section.token) {
        ids.push(section.token.id);
        ranges.push(base, base + section.text.length);
        continue;
      }
      const aligned = normalizer ? normalizer.align(section.text) : { text: section.text };
      for (const piece of normalized.split(aligned.text)) {
        const part = slice(aligned, piece.start, piece.start + piece.text.length);
        if (piece.token) {
          ids.push(piece.token.id);
          ranges.push(...this.#range(whole, base, part, 0, part.text.length));
          continue;
        }
        for (const word of this.#cut(part, base, 0)) {
          let at = 0;
          for (const text of words.partsOf(word.text)) {
            const tokens = yield* words.steps(text, true);
            for (const [i, id] of tokens.ids.entries()) {
              const start = at + (tokens.ranges?.[2 * i] as number);
              const end = at + (tokens.ranges?.[2 * i + 1] as number);
              ids.push(id);
              ranges.push(...this.#range(whole, base, word, start, end));
            }
            at += text.length;
            characters += text.length;
            if (characters < sliceLength) continue;
            characters = 0;
            yield;
          }
        }
      }
    }
    return { ids, ranges };
  }

  /** The words of a piece, each with its places in the section, which begins at `base` of the text. */
  *#cut(piece: Slice, base: number, at: number): Generator<Slice> {
    const step = this.#parts.steps[at];
    if (!step) {
      yield piece;
      return;
    }
    if (step.kind === "rewrite") {
      const first = base + Math.max(0, placeOf(piece, 0)) === 0;
      const changed = step.align(piece.text, first);
      const whole: AlignedText = piece.from ? { text: piece.text, from: piece.from } : { text: piece.text };
      const composed = compose(whole, changed);
      yield* this.#cut({ ...composed, start: piece.start }, base, at + 1);
      return;
    }
    const bounds = step.cut(piece.text);
    for (let i = 0; i < bounds.length; i += 2)
      yield* this.#cut(slice(piece, bounds[i] as number, bounds[i + 1] as number), base, at + 1);
  }

  /** Start and end in the text of what units `start` to `end` of a word stand for. */
  #range(text: string, base: number, word: Slice, start: number, end: number): [number, number] {
    const first = placeOf(word, start);
    const last = placeOf(word, end - 1);
    const from = first < 0 ? base : base + first;
    if (last < 0) return [from, base];
    // The place of the second half of a surrogate pair is that of the character, or the half itself.
    const character = word.from ? base + last : beginOfCharacter(text, base + last);
    return [from, character + widthAt(text, character)];
  }
}

/** A part of a section: unit i stands for unit `from[i]`, or, without `from`, for unit `start + i`; both plus `start`. */
interface Slice extends AlignedText {
  start: number;
}

function slice(aligned: AlignedText & { start?: number }, start: number, end: number): Slice {
  const { from, start: before = 0 } = aligned;
  const text = aligned.text.slice(start, end);
  return from ? { text, from: from.subarray(start, end), start: before } : { text, start: before + start };
}

/** Where unit `at` of a slice comes from, in its section; -1 for nothing. */
function placeOf({ from, start }: Slice, at: number): number {
  if (!from) return start + at;
  const place = from[at] as number;
  return place < 0 ? -1 : start + place;
}

function beginOfCharacter(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  return at > 0 && unit >= 0xdc00 && unit < 0xe000 && widthAt(text, at - 1) === 2 ? at - 1 : at;
}
