import { TsumugiError } from "../errors.ts";
import type { Layout } from "./options.ts";
import type { BatchEncoding } from "./tokenizer.ts";

/** Brings rows to one length. Errors: `missing_pad_token`. */
export function padRows(
  rows: readonly (readonly number[])[],
  masks: readonly (readonly number[])[] | undefined,
  layout: Layout,
  padTokenId: number | undefined,
): BatchEncoding {
  const inputIds = rows.map((row) => [...row]);
  const attentionMask = rows.map((row, i) => [...(masks?.[i] ?? row.map(() => 1))]);
  if (layout.padding === "none") return { inputIds, attentionMask };
  if (padTokenId === undefined) throw new TsumugiError("missing_pad_token");
  const wanted = layout.padding === "longest" ? Math.max(0, ...rows.map((row) => row.length)) : layout.maxLength;
  const multiple = layout.padToMultipleOf ?? 1;
  const length = Math.ceil(wanted / multiple) * multiple;
  for (const [i, row] of inputIds.entries()) {
    const missing = Math.max(0, length - row.length);
    const ids = new Array<number>(missing).fill(padTokenId);
    const zeros = new Array<number>(missing).fill(0);
    const mask = attentionMask[i] ?? [];
    if (layout.paddingSide === "left") {
      row.unshift(...ids);
      mask.unshift(...zeros);
    } else {
      row.push(...ids);
      mask.push(...zeros);
    }
  }
  return { inputIds, attentionMask };
}
