import { TsumugiError } from "../errors.ts";
import { oneOf } from "../util/one-of.ts";
import { checkOptionTypes } from "../util/option-types.ts";
import type { EncodingPipeline } from "./encoding-pipeline.ts";
import { placesOf, type TextPlaces, toOffsets, toUnits, trimOffsets } from "./offsets.ts";
import { type Layout, layoutOf, refuseUnknownOptions } from "./options.ts";
import { padRows, type Row } from "./padding.ts";
import type { PostProcessor, TextPart } from "./post-processor.ts";
import type { BatchEncoding, EncodeOptions, Offset, Tokenizer } from "./tokenizer.ts";

export const padOptions = ["padding", "maxLength", "padToMultipleOf", "paddingSide"];
/** Options of `encode`; those of `tokenizer(…)` are these and `returnOffsetsMapping`. */
export const encodeOptions = ["addSpecialTokens", "splitSpecialTokens", "truncation", "textPair", ...padOptions];

/** What rows are made with. Sides and padding token are read at each call: users may set them. */
export interface RowEncoderParts {
  tokenizer: Pick<Tokenizer, "truncationSide" | "paddingSide" | "modelMaxLength" | "padTokenId">;
  encoder: EncodingPipeline;
  postProcessor: PostProcessor;
  /** Whether special tokens in texts are split where a call does not say. */
  splitSpecialTokens: boolean;
}

/** One text of a row. */
interface TextRow {
  ids: readonly number[];
  /** Start and end of each token in code points. */
  offsets?: Offset[];
  places?: TextPlaces | undefined;
  nameAt?(place: number): string;
}

/** Checks options and makes rows of texts, in steps: the work of `tokenizer(texts, options)`. */
export function createRowEncoder(parts: RowEncoderParts) {
  const { tokenizer, encoder, postProcessor } = parts;

  /** One text of a row: encoded, cut to `budget` tokens, with offsets where they are asked for. */
  function* sequence(text: string, budget: number, options: EncodeOptions): Generator<void, TextRow> {
    const ranges = Boolean(options.returnOffsetsMapping);
    const splitSpecial = options.splitSpecialTokens ?? parts.splitSpecialTokens;
    const encoded = yield* encoder.steps(text, { ranges, splitSpecial });
    const { ids } = encoded;
    const from = ids.length > budget && tokenizer.truncationSide === "left" ? ids.length - budget : 0;
    const end = Math.min(ids.length, from + budget);
    const kept = ids.length > budget ? ids.slice(from, end) : ids;
    if (!encoded.ranges) return { ids: kept };
    yield;
    const places = placesOf(text);
    const offsets = toOffsets(kept === ids ? encoded.ranges : encoded.ranges.slice(2 * from, 2 * end), places);
    return { ids: kept, offsets, places, nameAt: (place) => encoder.nameAt(encoded, from + place) };
  }

  function* row(text: string, partner: string | undefined, options: EncodeOptions, limit: number): Generator<void, Row> {
    const isPair = partner !== undefined;
    const withSpecial = options.addSpecialTokens !== false;
    const kind = options.returnOffsetsMapping;
    const layout = postProcessor.layout(isPair, withSpecial);
    const budget = Math.max(0, limit - (withSpecial ? postProcessor.added(isPair) : 0));
    const texts = [yield* sequence(text, budget, options)];
    yield;
    if (isPair) texts.push(yield* sequence(partner, Number.POSITIVE_INFINITY, options));
    const [only] = layout;
    if (layout.length === 1 && only && "text" in only) {
      const given = texts[only.text] as TextRow;
      return kind ? { ids: given.ids, offsets: offsetsOf(given, only, kind) } : { ids: given.ids };
    }
    const ids: number[] = [];
    const offsets: Offset[] = [];
    for (const part of layout) {
      const given = "text" in part ? (texts[part.text] as TextRow) : part;
      for (const id of given.ids) ids.push(id);
      if (!kind) continue;
      if ("text" in part) for (const offset of offsetsOf(given, part, kind)) offsets.push(offset);
      else for (const _ of part.ids) offsets.push([0, 0]);
    }
    return kind ? { ids, offsets } : { ids };
  }

  /** `texts` are known to be strings. */
  return function* encodeRows(
    texts: readonly string[],
    options: EncodeOptions,
    known: readonly string[],
  ): Generator<void, BatchEncoding> {
    refuseUnknownOptions(options, known);
    checkOptionTypes(options, { addSpecialTokens: "boolean", splitSpecialTokens: "boolean" });
    oneOf("returnOffsetsMapping", options.returnOffsetsMapping, [true, false, "utf16", undefined]);
    oneOf("truncationSide", tokenizer.truncationSide, ["left", "right"]);
    const layout = layoutOf(options, tokenizer);
    if (layout.padding !== "none" && tokenizer.padTokenId === undefined) throw new TsumugiError("missing_pad_token");
    const partners = partnersOf(texts, options, layout);
    const limit = layout.truncate ? layout.maxLength : Number.POSITIVE_INFINITY;
    const rows: Row[] = [];
    for (const [i, text] of texts.entries()) rows.push(yield* row(text, partners?.[i], options, limit));
    return padRows(rows, layout, tokenizer.padTokenId);
  };
}

/** Offsets of a text in its place of a row, with what the post-processor takes off them. */
function offsetsOf({ ids, offsets = [], places, nameAt }: TextRow, { trims }: TextPart, kind: true | "utf16"): Offset[] {
  // a layout may name a text twice, so that what changes is a copy
  if (trims.length === 0 && kind !== "utf16") return offsets;
  const own = offsets.map(([start, end]): Offset => [start, end]);
  if (trims.length > 0) {
    const names = ids.map((_, place) => nameAt?.(place) ?? "");
    for (const trim of trims) trimOffsets(own, names, trim);
  }
  return kind === "utf16" ? toUnits(own, places) : own;
}

function partnersOf(texts: readonly string[], options: EncodeOptions, layout: Layout): readonly string[] | undefined {
  // of one text, as in Python, an empty second text is none; in a list it is a text
  if (options.textPair === "") return undefined;
  const partners = typeof options.textPair === "string" ? [options.textPair] : options.textPair;
  if (partners && partners.length !== texts.length)
    throw new TsumugiError("invalid_option", {
      option: "textPair",
      expected: `${texts.length} texts`,
      given: partners.length,
    });
  if (partners && layout.truncate)
    throw new TsumugiError("unsupported_option", { option: "textPair", reason: "pairs are not truncated" });
  return partners;
}
