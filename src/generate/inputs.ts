import type { GenerationSettings } from "../decoding/generation-settings.ts";
import { TsumugiError } from "../errors.ts";
import type { Model } from "../ops/program.ts";
import { warnOnce } from "../util/warnings.ts";
import {
  checkIds,
  type InputRow,
  inputRow,
  type PromptContext,
  type PromptRow,
  promptFromBos,
  withDecoders,
} from "./prompt-row.ts";

/** One row of token ids. */
export type TokenRow = readonly number[] | Int32Array | BigInt64Array | Uint32Array;

/** One row or many. */
export type TokenRows = TokenRow | readonly TokenRow[];

/**
 * The prompts of a call: what the decoder goes on from, or what the encoder reads and where the decoder begins.
 *
 * @throws `invalid_input`, `invalid_option`
 */
export function readPrompts(
  { vocabularySize, programs }: Model,
  { inputIds, attentionMask }: { inputIds?: unknown; attentionMask?: unknown },
  settings: GenerationSettings,
): PromptRow[] {
  const context = { vocabularySize, settings };
  return programs.encode ? readEncoderInputs(inputIds, attentionMask, context) : readInputs(inputIds, attentionMask, context);
}

/** Reads the inputs of an encoder-decoder model: each row's decoder starts with `decoderStartTokenId`. */
function readEncoderInputs(inputIds: unknown, attentionMask: unknown, context: PromptContext): PromptRow[] {
  const { rows } = readRows(inputIds, attentionMask, context);
  return withDecoders(rows, context);
}

/**
 * Reads `inputIds` and `attentionMask`. Rows are un-padded by their mask, wherever the pads stand; without a mask, ids
 * equal to `padTokenId` are pads unless that is an end token too. Without input a row starts with `bosTokenId`.
 *
 * @throws `invalid_input`
 */
export function readInputs(inputIds: unknown, attentionMask: unknown, context: PromptContext): PromptRow[] {
  const { rows, count } = readRows(inputIds, attentionMask, context);
  if (rows.length === 0) return Array.from({ length: count }, () => promptFromBos(context));
  if (rows.length > 1 && rows.some(({ padded, places }) => places.at(-1) !== padded.length - 1)) {
    warnOnce(
      "A decoder-only model was given rows padded on the right. The pads are taken out, so the answers are right; " +
        "still, set `tokenizer.paddingSide = 'left'`, so that new tokens follow the prompt in `sequences`.",
    );
  }
  return rows;
}

/** The rows without their pads; none where all are empty. `count`: rows that were given, 1 where nothing was. */
function readRows(inputIds: unknown, attentionMask: unknown, context: PromptContext): { rows: InputRow[]; count: number } {
  const given = inputIds === undefined ? [] : toRows(inputIds, "`inputIds`", "ids");
  if (given.every((row) => row.length === 0)) return { rows: [], count: Math.max(1, given.length) };
  const width = given[0]!.length;
  const uneven = given.findIndex((row) => row.length !== width);
  if (uneven >= 0) {
    const expected = `rows of one length (pad them: \`tokenizer(texts, { padding: true })\`)`;
    throw new TsumugiError("invalid_input", {
      what: "`inputIds`",
      expected,
      given: `row 0 has ${width} ids, row ${uneven} has ${given[uneven]!.length}`,
    });
  }
  const masks =
    attentionMask === undefined || attentionMask === null ? undefined : toRows(attentionMask, "`attentionMask`", "0 and 1");
  if (masks) checkMasks(masks, given);
  const kept = masks ?? detectPads(given, context.settings);
  const rows = given.map((padded, row) => {
    const places = [...padded.keys()].filter((place) => kept[row]![place] !== 0);
    return inputRow(padded, places, row);
  });
  checkIds(rows, context.vocabularySize);
  return { rows, count: rows.length };
}

function detectPads(rows: readonly number[][], settings: GenerationSettings): number[][] {
  const { padTokenId: pad, eosTokenId } = settings;
  const usable = pad !== null && !eosTokenId?.includes(pad) && rows.some((row) => row.includes(pad));
  if (usable) return rows.map((row) => row.map((id) => (id === pad ? 0 : 1)));
  if (rows.length > 1) {
    warnOnce("No `attentionMask` was given and pads cannot be told from tokens: every id counts as a token.");
  }
  return rows.map((row) => row.map(() => 1));
}

function toRows(value: unknown, what: string, contents: string): number[][] {
  const isRow = (item: unknown): item is ArrayLike<unknown> =>
    Array.isArray(item) || (ArrayBuffer.isView(item) && !(item instanceof DataView));
  if (!isRow(value))
    throw new TsumugiError("invalid_input", { what, expected: `a row of ${contents} or a list of rows`, given: value });
  const items = Array.from(value);
  const rows: ArrayLike<unknown>[] = items.some(isRow) ? (items as ArrayLike<unknown>[]) : [items];
  return rows.map((row, index) => {
    if (!isRow(row)) {
      throw new TsumugiError("invalid_input", {
        what: `Row ${index} of ${what}`,
        expected: `a row of ${contents}`,
        given: row,
      });
    }
    return Array.from(row, (id) => (typeof id === "bigint" ? Number(id) : (id as number)));
  });
}

function checkMasks(masks: readonly number[][], rows: readonly number[][]): void {
  const shape = (table: readonly number[][]) =>
    `${table.length} rows of ${[...new Set(table.map((row) => row.length))].join(" and ")}`;
  if (masks.length !== rows.length || masks.some((mask, row) => mask.length !== rows[row]!.length)) {
    const expected = `of the shape of \`inputIds\`, ${shape(rows)}`;
    throw new TsumugiError("invalid_input", { what: "`attentionMask`", expected, given: shape(masks) });
  }
  const bad = masks.flat().find((value) => Number(value) !== 0 && Number(value) !== 1);
  if (bad !== undefined) {
    throw new TsumugiError("invalid_input", { what: "`attentionMask`", expected: "made of 0 and 1", given: String(bad) });
  }
}
