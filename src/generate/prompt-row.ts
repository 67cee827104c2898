import type { GenerationSettings } from "../decoding/generation-settings.ts";
import { TsumugiError } from "../errors.ts";

/** A row of token ids, as it was given and as the model sees it. */
export interface InputRow {
  /** The row with its pads. Processors see it as history, and it comes back in front of the new tokens. */
  padded: number[];
  /** The row without its pads: what the model reads. */
  tokens: number[];
  /** Where each token stands in `padded`. */
  places: number[];
}

/** A prompt. Of an encoder-decoder model it is where the decoder begins, and `encoder` is what the encoder reads. */
export interface PromptRow extends InputRow {
  encoder?: InputRow;
}

/** What prompts are made for. */
export interface PromptContext {
  vocabularySize: number;
  settings: GenerationSettings;
}

/** A row of which these places are tokens; `row` is its index. */
export function inputRow(padded: number[], places: number[], row: number): InputRow {
  if (places.length > 0) return { padded, tokens: places.map((place) => padded[place]!), places };
  throw new TsumugiError("invalid_input", {
    what: `Row ${row} of \`inputIds\``,
    expected: "a row with at least one token that is not a pad",
    given: "only pads",
  });
}

/** Refuses what is no token id. Pads may be ids that the model does not have: it never sees them. */
export function checkIds(rows: readonly InputRow[], vocabularySize: number): void {
  for (const [row, { padded, places }] of rows.entries()) {
    let next = 0;
    const bad = padded.findIndex((id, place) => {
      const isToken = places[next] === place;
      if (isToken) next += 1;
      return !(Number.isInteger(id) && id >= 0 && (id < vocabularySize || !isToken));
    });
    if (bad < 0) continue;
    throw new TsumugiError("invalid_input", {
      what: `Id ${bad} of row ${row} of \`inputIds\``,
      expected: `a whole number from 0 to ${vocabularySize - 1}`,
      given: String(padded[bad]),
    });
  }
}

/** A prompt of `bosTokenId` alone: where a row without input begins. */
export function promptFromBos({ settings: { bosTokenId }, vocabularySize }: PromptContext): PromptRow {
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

/**
 * The prompts of an encoder-decoder model whose encoder reads these rows: decoders begin with `decoderStartTokenId`, one for
 * all rows or one for each.
 *
 * @throws `invalid_input` where there is no row, `invalid_option`
 */
export function withDecoders(rows: readonly InputRow[], { settings, vocabularySize }: PromptContext): PromptRow[] {
  const given = settings.decoderStartTokenId ?? settings.bosTokenId;
  const refuse = (expected: string): never => {
    throw new TsumugiError("invalid_option", {
      option: "decoderStartTokenId",
      expected,
      given: given ?? undefined,
      found: "nothing",
    });
  };
  if (given === null || [given].flat().some((start) => start < 0 || start >= vocabularySize)) {
    return refuse(`a token id of the model, from 0 to ${vocabularySize - 1}, where its files name none`);
  }
  if (rows.length === 0) {
    throw new TsumugiError("invalid_input", { what: "`inputIds`", expected: "what the encoder reads", given: "none" });
  }
  if (Array.isArray(given) && given.length !== rows.length) refuse(`one token id, or one for each of ${rows.length} inputs`);
  return rows.map((encoder, row) => {
    const start = [Array.isArray(given) ? given[row]! : given];
    return { padded: start, tokens: start, places: [0], encoder };
  });
}
