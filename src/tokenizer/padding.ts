import { TsumugiError } from "../errors.ts";
import type { Layout } from "./options.ts";
import type { BatchEncoding, Offset } from "./tokenizer.ts";

/** Ids of a text, with their mask (ones where there is none) and the offsets of the tokens, where they are wanted. */
export interface Row {
  ids: readonly number[];
  mask?: readonly number[];
  offsets?: readonly Offset[];
}

/** Brings rows to one length. Errors: `missing_pad_token`. */
export function padRows(rows: readonly Row[], layout: Layout, padTokenId: number | undefined): BatchEncoding {
  const length = layout.padding === "none" ? 0 : lengthOf(rows, layout);
  const padded = <Item>(items: readonly Item[], pad: () => Item): Item[] => {
    const missing = Math.max(0, length - items.length);
    if (missing === 0) return [...items];
    const pads = Array.from({ length: missing }, pad);
    return layout.paddingSide === "left" ? [...pads, ...items] : [...items, ...pads];
  };
  if (layout.padding !== "none" && padTokenId === undefined) throw new TsumugiError("missing_pad_token");
  const encoding: BatchEncoding = {
    inputIds: rows.map(({ ids }) => padded(ids, () => padTokenId as number)),
    attentionMask: rows.map(({ ids, mask }) => padded(mask ?? new Array<number>(ids.length).fill(1), () => 0)),
  };
  if (rows.some(({ offsets }) => offsets))
    encoding.offsetMapping = rows.map(({ offsets = [] }) => padded(offsets, (): Offset => [0, 0]));
  return encoding;
}

function lengthOf(rows: readonly Row[], layout: Layout): number {
  const longest = rows.reduce((length, { ids }) => Math.max(length, ids.length), 0);
  const wanted = layout.padding === "longest" ? longest : layout.maxLength;
  const multiple = layout.padToMultipleOf ?? 1;
  return Math.ceil(wanted / multiple) * multiple;
}
