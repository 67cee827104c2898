import { TsumugiError } from "../errors.ts";
import { oneOf } from "../util/one-of.ts";
import { checkOptionTypes } from "../util/option-types.ts";
import type { EncodingPipeline } from "./encoding-pipeline.ts";
import { placesOf, toOffsets, toUnits, trimOffsets } from "./offsets.ts";
import { type Layout, layoutOf, refuseUnknownOptions } from "./options.ts";
import { padRows, type Row } from "./padding.ts";
import { addedLength, type PostProcessor } from "./post-processor.ts";
import type { BatchEncoding, EncodeOptions, Offset, Tokenizer } from "./tokenizer.ts";

export const padOptions = ["padding", "maxLength", "padToMultipleOf", "paddingSide"];
/** Options of `encode`; those of `tokenizer(…)` are these and `returnOffsetsMapping`. */
export const encodeOptions = ["addSpecialTokens", "truncation", "textPair", ...padOptions];

/** What rows are made with. Sides and padding token are read at each call: users may set them. */
export interface RowEncoderParts {
  tokenizer: Pick<Tokenizer, "truncationSide" | "paddingSide" | "modelMaxLength" | "padTokenId">;
  encoder: EncodingPipeline;
  postProcessor: PostProcessor;
  tokenOf(id: number): string | undefined;
}

/** Checks options and makes rows of texts, in steps: the work of `tokenizer(texts, options)`. */
export function createRowEncoder(parts: RowEncoderParts) {
  const { tokenizer, encoder, postProcessor, tokenOf } = parts;
  const { single, pair, trims = [] } = postProcessor;

  /** One text of a row: encoded, cut to `budget` tokens, with offsets where they are asked for. */
  function* sequence(text: string, budget: number, kind: EncodeOptions["returnOffsetsMapping"]): Generator<void, Row> {
    const { ids, ranges, texts } = yield* encoder.steps(text, Boolean(kind));
    const from = ids.length > budget && tokenizer.truncationSide === "left" ? ids.length - budget : 0;
    const end = Math.min(ids.length, from + budget);
    const kept = ids.length > budget ? ids.slice(from, end) : ids;
    if (!ranges) return { ids: kept };
    yield;
    const places = placesOf(text);
    const offsets = toOffsets(kept === ids ? ranges : ranges.slice(2 * from, 2 * end), places);
    if (trims.length > 0) {
      const tokens = kept.map((id, i) => texts?.get(from + i) ?? tokenOf(id) ?? "");
      for (const trim of trims) trimOffsets(offsets, tokens, trim);
    }
    return { ids: kept, offsets: kind === "utf16" ? toUnits(offsets, places) : offsets };
  }

  function* row(text: string, partner: string | undefined, options: EncodeOptions, limit: number): Generator<void, Row> {
    const template = partner === undefined ? single : pair;
    const withSpecial = options.addSpecialTokens !== false;
    const kind = options.returnOffsetsMapping;
    const budget = Math.max(0, limit - (withSpecial ? addedLength(template) : 0));
    const texts = { A: yield* sequence(text, budget, kind), B: { ids: [] } as Row };
    yield;
    if (partner !== undefined) texts.B = yield* sequence(partner, Number.POSITIVE_INFINITY, kind);
    if (template.length === 1 && template[0] === "A") return texts.A;
    const ids: number[] = [];
    const offsets: Offset[] = [];
    for (const part of template) {
      const added: Row = typeof part === "string" ? texts[part] : { ids: withSpecial ? part : [] };
      for (let i = 0; i < added.ids.length; i++) {
        ids.push(added.ids[i] as number);
        if (kind) offsets.push(added.offsets ? (added.offsets[i] as Offset) : [0, 0]);
      }
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
    checkOptionTypes(options, { addSpecialTokens: "boolean" });
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

function partnersOf(texts: readonly string[], options: EncodeOptions, layout: Layout): readonly string[] | undefined {
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
