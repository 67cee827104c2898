import { AddedTokenSplitter } from "./added-token-splitter.ts";
import type { AddedVocabulary } from "./added-vocabulary.ts";
import type { EncodedText } from "./encoded-text.ts";
import type { Normalizer } from "./normalizer.ts";
import { OffsetTracer } from "./offset-tracer.ts";
import { type PreTokenizerStep, preTokenize } from "./pre-tokenizers.ts";
import { finished } from "./slices.ts";
import { TextGrowth } from "./text-growth.ts";
import type { TokenModel } from "./token-model.ts";
import { WordMemory } from "./word-memory.ts";

/** What to do with a text. */
export interface EncodeTextOptions {
  /** Give the places of the tokens too. */
  ranges: boolean;
  /** Leave special tokens that stand in the text to the model, as text. */
  splitSpecial: boolean;
}

/** Text to token ids, special tokens of the post-processor not included. */
export interface EncodingPipeline {
  /** Encodes in steps of some hundred characters; the generator returns the result. */
  steps(text: string, options: EncodeTextOptions): Generator<void, EncodedText>;
  /** Names of the tokens. */
  names(text: string, splitSpecial: boolean): string[];
  /** The name of a token at a place of what `steps` made with ranges. */
  nameAt(encoded: EncodedText, place: number): string;
}

/** What a tokenizer.json encodes text with. */
export interface EncodingParts {
  normalizer: Normalizer | undefined;
  preTokenizer: readonly PreTokenizerStep[];
  model: TokenModel;
  added: AddedVocabulary;
}

/** Characters between two turns of the generator. */
const sliceLength = 500;

/** Added tokens are found first, then each piece is normalised, cut into words, and the model splits each word. */
export function createEncodingPipeline(parts: EncodingParts): EncodingPipeline {
  const { normalizer, model, added } = parts;
  const normalize = (text: string, growth: TextGrowth) => {
    if (!normalizer) return text;
    const changed = normalizer.normalize(text, growth);
    growth.take(changed.length);
    return changed;
  };
  const cutting = model.takesBytes ? parts.preTokenizer.slice(0, -1) : parts.preTokenizer;
  const splitterOf = (isNormalized: boolean) => {
    const tokens = added.tokens().filter((token) => token.normalized === isNormalized);
    return new AddedTokenSplitter(tokens.map((token) => ({ content: added.formOf(token), token })));
  };
  const [raw, normalized] = [splitterOf(false), splitterOf(true)];
  const words = new WordMemory(model.words, false);
  const tracer = new OffsetTracer({
    ...{ normalizer, steps: cutting, raw, normalized },
    words: new WordMemory(model.words, true),
    namedByText: model.words.namedByText,
  });
  // Whether a piece begins the text is seen in what its first character stands for, where normalisers may drop some.
  const asksFirst = normalizer !== undefined && cutting.some((step) => step.kind === "rewrite" && step.asksFirst);

  function* plain(text: string, splitSpecial: boolean, texts?: Map<number, string>): Generator<void, EncodedText> {
    const ids: number[] = [];
    const growth = new TextGrowth("normalizer", text.length);
    let characters = 0;
    for (const section of raw.split(text, splitSpecial)) {
      if (section.token) {
        texts?.set(ids.length, section.text);
        ids.push(section.token.id);
        continue;
      }
      const changed = normalize(section.text, growth);
      yield;
      let first = section.start === 0;
      if (first && asksFirst && normalizer && changed[0] !== section.text[0])
        first = startsText(normalizer, section.text, growth);
      for (const piece of normalized.split(changed, splitSpecial)) {
        if (piece.token) {
          texts?.set(ids.length, piece.text);
          ids.push(piece.token.id);
          continue;
        }
        yield;
        const cutWords = preTokenize(cutting, piece.text, first && piece.start === 0);
        yield;
        for (const word of cutWords) {
          const cut = words.partsOf(word);
          for (const part of cut ?? [word]) {
            const isPart = cut !== undefined;
            const { ids: found } = words.isLong(part) ? yield* words.steps(part, isPart) : words.tokens(part, isPart);
            for (let i = 0; i < found.length; i++) ids.push(found[i] as number);
            characters += part.length;
            if (characters < sliceLength) continue;
            characters = 0;
            yield;
          }
        }
      }
    }
    return texts ? { ids, texts } : { ids };
  }
  const nameAt = ({ ids, texts }: EncodedText, place: number) =>
    (texts?.size ? texts.get(place) : undefined) ?? model.tokens.get(ids[place] as number) ?? "";
  return {
    steps: (text, { ranges, splitSpecial }) => (ranges ? tracer.steps(text, splitSpecial) : plain(text, splitSpecial)),
    nameAt,
    names(text, splitSpecial) {
      const { namesOf, namedByText } = model.words;
      if (namesOf) {
        const growth = new TextGrowth("normalizer", text.length);
        const pieces = raw
          .split(text, splitSpecial)
          .flatMap((section) => (section.token ? section : normalized.split(normalize(section.text, growth), splitSpecial)));
        return pieces.flatMap(({ token, text: piece }) =>
          token ? piece : preTokenize(cutting, piece, false).flatMap(namesOf),
        );
      }
      const steps = namedByText === undefined ? plain(text, splitSpecial, new Map()) : tracer.steps(text, splitSpecial);
      const encoded = finished(steps);
      return encoded.ids.map((_, place) => nameAt(encoded, place));
    },
  };
}

/** Whether the first character of the normalised text stands for the first one of the text. */
function startsText(normalizer: Normalizer, text: string, growth: TextGrowth): boolean {
  // What comes much later does not change it.
  const { text: changed, from } = normalizer.align(text.slice(0, 256), growth);
  if (changed === "") return normalizer.align(text, growth).from?.[0] === 0;
  return from === undefined || from[0] === 0;
}
