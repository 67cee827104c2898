import { type AddedToken, AddedTokenSplitter } from "./added-vocabulary.ts";
import type { EncodedText } from "./encoded-text.ts";
import type { Normalizer } from "./normalizer.ts";
import { OffsetTracer } from "./offset-tracer.ts";
import { type PreTokenizerStep, preTokenize } from "./pre-tokenizers.ts";
import { finished } from "./slices.ts";
import type { TokenModel } from "./token-model.ts";
import { WordMemory } from "./word-memory.ts";

/** Text to token ids, special tokens of the post-processor not included. */
export interface EncodingPipeline {
  encode(text: string, ranges?: boolean): EncodedText;
  /** The same in steps of some hundred characters; the generator returns the result. */
  steps(text: string, ranges?: boolean): Generator<void, EncodedText>;
  /** Names of the tokens. */
  names(text: string): string[];
}

/** What a tokenizer.json encodes text with. */
export interface EncodingParts {
  normalizer: Normalizer | undefined;
  preTokenizer: readonly PreTokenizerStep[];
  model: TokenModel;
  added: readonly AddedToken[];
  tokenOf(id: number): string | undefined;
}

/** Characters between two turns of the generator. */
const sliceLength = 500;

/** Added tokens are found first, then each piece is normalised, cut into words, and the model splits each word. */
export function createEncodingPipeline(parts: EncodingParts): EncodingPipeline {
  const { normalizer, model, added } = parts;
  const steps = model.takesBytes ? parts.preTokenizer.slice(0, -1) : parts.preTokenizer;
  const normalize = (text: string) => (normalizer ? normalizer.normalize(text) : text);
  const raw = new AddedTokenSplitter(added.filter((t) => !t.normalized).map((token) => ({ content: token.content, token })));
  const normalized = new AddedTokenSplitter(
    added.filter((token) => token.normalized).map((token) => ({ content: normalize(token.content), token })),
  );
  const words = new WordMemory(model.words, false);
  const tracer = new OffsetTracer({ normalizer, steps, raw, normalized, words: new WordMemory(model.words, true) });
  // Whether a piece begins the text is seen in what its first character stands for, where normalisers may drop some.
  const asksFirst = normalizer !== undefined && steps.some((step) => step.kind === "rewrite" && step.asksFirst);

  function* plain(text: string): Generator<void, EncodedText> {
    const ids: number[] = [];
    let characters = 0;
    for (const section of raw.split(text)) {
      if (section.token) {
        ids.push(section.token.id);
        continue;
      }
      const changed = normalize(section.text);
      yield;
      let first = section.start === 0;
      if (first && asksFirst && normalizer && changed[0] !== section.text[0]) first = startsText(normalizer, section.text);
      for (const piece of normalized.split(changed)) {
        if (piece.token) {
          ids.push(piece.token.id);
          continue;
        }
        yield;
        const cutWords = preTokenize(steps, piece.text, first && piece.start === 0);
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
    return { ids };
  }
  const namesOf = (text: string): string[] => {
    const { namesOf: ofWord } = model.words;
    if (!ofWord) return finished(plain(text)).ids.map((id) => parts.tokenOf(id) ?? "");
    return raw
      .split(text)
      .flatMap((section) => (section.token ? section : normalized.split(normalize(section.text))))
      .flatMap(({ token, text: piece }) => token?.content ?? preTokenize(steps, piece, false).flatMap(ofWord));
  };
  const run = (text: string, ranges = false) => (ranges ? tracer.steps(text) : plain(text));
  return {
    steps: run,
    encode: (text, ranges) => finished(run(text, ranges)),
    names: namesOf,
  };
}

/** Whether the first character of the normalised text stands for the first one of the text. */
function startsText(normalizer: Normalizer, text: string): boolean {
  // What comes much later does not change it.
  const { text: changed, from } = normalizer.align(text.slice(0, 256));
  if (changed === "") return normalizer.align(text).from?.[0] === 0;
  return from === undefined || from[0] === 0;
}
