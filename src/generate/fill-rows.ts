import type { GenerationSettings } from "../decoding/generation-settings.ts";
import { warnOnce } from "../util/warnings.ts";
import type { GeneratedRow } from "./generated-row.ts";

/**
 * New tokens of all rows, each filled up to the longest: with `padTokenId`, else with the first end token. A search over beams
 * takes 0 for unset, but for the older searches, and fills with −1 where there are no end tokens, as in transformers.
 */
export function fillRows(rows: readonly GeneratedRow[], settings: GenerationSettings): number[][] {
  const longest = rows.reduce((most, { newTokens }) => Math.max(most, newTokens.length), 0);
  const isRagged = rows.some(({ newTokens }) => newTokens.length < longest);
  const pad = settings.numBeams > 1 ? padOfBeams(settings) : padOfRows(settings, isRagged);
  return rows.map(({ newTokens }) => fillTo(longest, newTokens, pad));
}

/** A list as long as this, with so many of `value` behind it. */
export function fillTo(length: number, list: readonly number[], value: number): number[] {
  return [...list, ...new Array<number>(length - list.length).fill(value)];
}

function padOfRows({ padTokenId, eosTokenId }: GenerationSettings, isRagged: boolean): number {
  const pad = padTokenId ?? eosTokenId?.[0];
  if (pad === undefined && isRagged) {
    warnOnce("Neither `padTokenId` nor `eosTokenId` is set: rows that ended early are filled up with 0.");
  }
  return pad ?? 0;
}

function padOfBeams({ padTokenId, eosTokenId, numBeamGroups, forceWordsIds }: GenerationSettings): number {
  if (!eosTokenId) return -1;
  const isOlder = numBeamGroups > 1 || forceWordsIds !== null;
  return (isOlder ? padTokenId : padTokenId || null) ?? eosTokenId[0]!;
}
