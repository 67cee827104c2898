import type { Model } from "../ops/program.ts";
import {
  checkIds,
  type InputRow,
  inputRow,
  type PromptContext,
  type PromptRow,
  promptFromBos,
  withDecoders,
} from "./prompt-row.ts";

/** The pads that rows of a batch are seen with: their id, and where they stand. */
export interface BatchPads {
  id: number;
  side: "left" | "right";
}

/**
 * Prompts of rows that are not padded. Processors see them with the pads that bring them to one length, as they do in
 * transformers; the model never does.
 *
 * @param pads undefined for a row that stands alone
 * @throws `invalid_input`, `invalid_option`
 */
export function promptsOfRows(
  rows: readonly (readonly number[])[],
  pads: BatchPads | undefined,
  { programs, vocabularySize }: Model,
  settings: PromptContext["settings"],
): PromptRow[] {
  const context = { vocabularySize, settings };
  const isEmpty = rows.every(({ length }) => length === 0);
  const inputs = isEmpty ? [] : withPads(rows, pads);
  checkIds(inputs, vocabularySize);
  if (programs.encode) return withDecoders(inputs, context);
  return isEmpty ? rows.map(() => promptFromBos(context)) : inputs;
}

function withPads(rows: readonly (readonly number[])[], pads: BatchPads | undefined): InputRow[] {
  const width = rows.reduce((most, { length }) => Math.max(most, length), 0);
  return rows.map((tokens, row) => {
    const missing = new Array<number>(width - tokens.length).fill(pads?.id ?? 0);
    const first = pads?.side === "left" ? missing.length : 0;
    const padded = pads?.side === "left" ? [...missing, ...tokens] : [...tokens, ...missing];
    return inputRow(
      padded,
      tokens.map((_, index) => first + index),
      row,
    );
  });
}
