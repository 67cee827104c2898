import { z } from "zod";
import { expects, tokenIds, whole } from "../../util/schemas.ts";
import { defineField } from "../define-field.ts";

declare module "../options.ts" {
  interface GenerationFields {
    /** Fills rows that ended. Default: the first of `eosTokenId`. */
    padTokenId?: number | null;
    /** Starts a row without a prompt. */
    bosTokenId?: number | null;
    /** Ends a row; one or many. */
    eosTokenId?: number | readonly number[] | null;
    /** Starts the decoder of an encoder-decoder model: one id, or one for each input. Default: `bosTokenId`. */
    decoderStartTokenId?: number | readonly number[] | null;
  }
}

const family = "Special tokens";

const token = z.int().min(0);

/** A token id for all rows, or one for each. */
const oneOrMany = expects("a token id or a list of token ids", z.union([token, z.array(token)]));

export const padTokenId = defineField({
  name: "padTokenId",
  family,
  schema: whole(0),
  default: null,
  description: "Fills rows that ended early; without a mask, tells pads from tokens. Default: the first of `eosTokenId`.",
});

export const bosTokenId = defineField({
  name: "bosTokenId",
  family,
  schema: whole(0),
  default: null,
  description: "Starts a row where there is no input.",
});

export const eosTokenId = defineField({
  name: "eosTokenId",
  family,
  schema: tokenIds,
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
