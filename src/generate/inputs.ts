import type { GenerationSettings } from "../decoding/generation-settings.ts";
import { TsumugiError } from "../errors.ts";
import { warnOnce } from "../util/warnings.ts";

/** One row of token ids. */
export type TokenRow = readonly number[] | Int32Array | BigInt64Array | Uint32Array;

/** One row or many. */
export type TokenRows = TokenRow | readonly TokenRow[];

/** A prompt, as it was given and as the model sees it. */
export interface PromptRow {
  /** With pads: what processors see as history, and what comes back in front of the new tokens. */
  padded: number[];
  /** Without pads. */
  tokens: number[];
  /** Where each token stands in `padded`. */
  places: number[];
  /** Of an encoder-decoder model, whose decoder's prompt the three above are: what its encoder reads. */
  encoder?: { padded: number[]; tokens: number[]; places: number[] };
}

/** Tokens by which the longest prompt of a call is ahead of this one: with dynamic RoPE it decides for all, as in transformers. */
export function rotaryLead(prompts: readonly PromptRow[], { tokens }: PromptRow): number {
  return prompts.reduce((most, prompt) => Math.max(most, prompt.tokens.length), 0) - tokens.length;
}

/** What the rows are read with. */
export interface InputContext {
  vocabularySize: number;
  settings: GenerationSettings;
  /** The rows are for an encoder: pads may stand anywhere, and there must be an input. */
  encoder?: boolean;
}

/**
 * Reads the inputs of an encoder-decoder model: each row's decoder starts with `decoderStartTokenId`.
 *
 * @throws `invalid_input`, `invalid_option`
 */
export function readEncoderInputs(inputIds: unknown, attentionMask: unknown, context: InputContext): PromptRow[] {
  const { settings, vocabularySize } = context;
  const given = settings.decoderStartTokenId ?? settings.bosTokenId;
  const refuse = (expected: string): never => {
    throw new TsumugiError("invalid_option", {
      option: "decoderStartTokenId",
      expected,
      given: given ?? undefined,
      found: "nothing",
    });
  };
  if (given === null || [given].flat().some((start) => start >= vocabularySize)) {
    return refuse(`a token id of the model, from 0 to ${vocabularySize - 1}, where its files name none`);
  }
  const rows = readInputs(inputIds, attentionMask, { ...context, encoder: true });
  if (Array.isArray(given) && given.length !== rows.length) refuse(`one token id, or one for each of ${rows.length} inputs`);
  return rows.map((encoder, row) => {
    const start = [Array.isArray(given) ? given[row]! : given];
    return { padded: start, tokens: start, places: [0], encoder };
  });
}

/**
 * Reads `inputIds` and `attentionMask`. Rows are un-padded by their mask, wherever the pads stand; without a mask, ids
 * equal to `padTokenId` are pads unless that is an end token too. Without input a row starts with `bosTokenId`.
 *
 * @throws `invalid_input`
 */
export function readInputs(inputIds: unknown, attentionMask: unknown, context: InputContext): PromptRow[] {
  const { settings } = context;
  const given = inputIds === undefined ? [] : toRows(inputIds, "`inputIds`", "ids");
  if (context.encoder && given.every((row) => row.length === 0)) {
    throw new TsumugiError("invalid_input", { what: "`inputIds`", expected: "what the encoder reads", given: "none" });
  }
  if (given.every((row) => row.length === 0)) return (given.length > 0 ? given : [[]]).map(() => fromBos(context));
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
  const kept = masks ?? detectPads(given, settings);
  checkIds(given, kept, context.vocabularySize);
  if (!context.encoder && given.length > 1 && kept.some((mask) => mask.at(-1) === 0)) {
    warnOnce(
      "A decoder-only model was given rows padded on the right. The pads are taken out, so the answers are right; " +
        "still, set `tokenizer.paddingSide = 'left'`, so that new tokens follow the prompt in `sequences`.",
    );
  }
  return given.map((padded, row) => {
    const places = [...padded.keys()].filter((place) => kept[row]![place] !== 0);
    if (places.length > 0) return { padded, tokens: places.map((place) => padded[place]!), places };
    throw new TsumugiError("invalid_input", {
      what: `Row ${row} of \`inputIds\``,
      expected: "a row with at least one token that is not a pad",
      given: "only pads",
    });
  });
}

function fromBos({ settings: { bosTokenId }, vocabularySize }: InputContext): PromptRow {
  if (bosTokenId === null) {
    throw new TsumugiError("invalid_input", {
      what: "`inputIds`",
      expected: "at least one token (the model has no `bosTokenId` to start from)",
      given: "none",
    });
  }
  if (bosTokenId >= vocabularySize) {
    const expected = `an id of the model, from 0 to ${vocabularySize - 1}`;
    throw new TsumugiError("invalid_option", { option: "bosTokenId", expected, given: bosTokenId });
  }
  return { padded: [bosTokenId], tokens: [bosTokenId], places: [0] };
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
  const isRow = (item: unknown): item is ArrayLike<unknown> => Array.isArray(item) || ArrayBuffer.isView(item);
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

/** Pads may be any id: the model never sees them. */
function checkIds(rows: readonly number[][], masks: readonly number[][], vocabularySize: number): void {
  for (const [row, ids] of rows.entries()) {
    const isToken = (place: number) => masks[row]![place] !== 0;
    const bad = ids.findIndex((id, place) => !(Number.isInteger(id) && id >= 0 && (id < vocabularySize || !isToken(place))));
    if (bad < 0) continue;
    throw new TsumugiError("invalid_input", {
      what: `Id ${bad} of row ${row} of \`inputIds\``,
      expected: `a whole number from 0 to ${vocabularySize - 1}`,
      given: String(ids[bad]),
    });
  }
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
