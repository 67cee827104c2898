import type { Drafter } from "../../engine/request.ts";

/** How to look tokens up. */
export interface PromptLookup {
  /** Tokens of a draft, at most. */
  numTokens: number;
  /** The longest end of the row that is looked for. */
  maxMatchingNgramSize: number;
  eosTokenIds: ReadonlySet<number>;
}

/**
 * What followed, where the end of a row stood before: the last `maxMatchingNgramSize` tokens are looked for from the start
 * of the row, then ever fewer. A draft ends before an end token.
 *
 * Source: A. Saxena, "Prompt Lookup Decoding" (2023); transformers 5.18, `PromptLookupCandidateGenerator`, but for its check
 * that the processors allow the tokens: those that they forbid are not picked, and the next one is asked for as usual.
 *
 * @example
 * ```ts
 * lookUp([7, 8, 9, 1, 7, 8], { numTokens: 2, maxMatchingNgramSize: 2, eosTokenIds: new Set() }); // [9, 1]
 * ```
 */
export function lookUp(tokens: readonly number[], { numTokens, maxMatchingNgramSize, eosTokenIds }: PromptLookup): number[] {
  const { length } = tokens;
  for (let size = Math.min(maxMatchingNgramSize, length - 1); size > 0; size--) {
    const end = length - size;
    for (let start = 0; start < end; start++) {
      let same = 0;
      while (same < size && tokens[start + same] === tokens[end + same]) same++;
      if (same < size) continue;
      const found = tokens.slice(start + size, start + size + numTokens);
      const eos = found.findIndex((token) => eosTokenIds.has(token));
      return eos < 0 ? found : found.slice(0, eos);
    }
  }
  return [];
}

/** Drafts of a row come from the row itself: its prompt (of an encoder-decoder model, the decoder's) and what it has so far. */
export function promptLookupDrafter(lookup: PromptLookup): Drafter {
  return {
    draft: ({ tokens }, most) => lookUp(tokens, { ...lookup, numTokens: Math.min(most, lookup.numTokens) }),
  };
}
