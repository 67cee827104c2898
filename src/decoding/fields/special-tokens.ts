import { z } from "zod";
import { expects } from "../../util/schemas.ts";
import { warnOnce } from "../../util/warnings.ts";
import { defineField } from "../define-field.ts";

declare module "../options.ts" {
  interface GenerationFields {
    /** Fills rows that ended. Default: the first of `eosTokenId`. */
    padTokenId?: number | null | undefined;
    /** Starts a row without a prompt. */
    bosTokenId?: number | null | undefined;
    /** Ends a row; one or many. */
    eosTokenId?: number | readonly number[] | null | undefined;
    /** Starts the decoder of an encoder-decoder model: one id, or one for each input. Default: `bosTokenId`. */
    decoderStartTokenId?: number | readonly number[] | null | undefined;
  }
}

const family = "Special tokens";

/**
 * Many files, and calls in Python, write −1 for a token that there is not: it is then never drawn, never read and never
 * filled with.
 */
const tokenOrNone = expects(
  "a token id, or below 0 for none",
  z.int().transform((id) => (id < 0 ? null : id)),
);

/** The tokens of a list; negative ones are left out, and a list of them alone is no end at all. */
const endTokens = expects(
  "a token id or a list of token ids",
  z.union([z.int(), z.array(z.int())]).transform((given) => {
    const ids = [given].flat().filter((id) => id >= 0);
    if (ids.length === 0) warnOnce(`\`eosTokenId: ${shown(given)}\` is no token: only length and stop strings end an answer.`);
    return ids.length === 0 ? null : ids;
  }),
);

function shown(given: number | number[]): string {
  return typeof given === "number" ? String(given) : `[${given.slice(0, 5).join(", ")}${given.length > 5 ? ", …" : ""}]`;
}

/** A token id for all rows, or one for each; what is no token is refused where a decoder starts with it. */
const oneOrMany = expects("a token id or a list of token ids", z.union([z.int(), z.array(z.int())]));

export const padTokenId = defineField({
  name: "padTokenId",
  family,
  schema: tokenOrNone,
  default: null,
  description: "Fills rows that ended early; without a mask, tells pads from tokens. Default: the first of `eosTokenId`.",
});

export const bosTokenId = defineField({
  name: "bosTokenId",
  family,
  schema: tokenOrNone,
  default: null,
  description: "Starts a row where there is no input.",
});

export const eosTokenId = defineField({
  name: "eosTokenId",
  family,
  schema: endTokens,
  default: null,
  description: "Ends a row; one or many.",
});

export const decoderStartTokenId = defineField({
  name: "decoderStartTokenId",
  family,
  schema: oneOrMany,
  default: null,
  description:
    "Starts the decoder of an encoder-decoder model: one for all rows, or a list with one for each input. Default: `bosTokenId`.",
});
