import { boolean, whole } from "../../util/schemas.ts";
import { defineField } from "../define-field.ts";

declare module "../options.ts" {
  interface GenerationFields {
    /** Rows per prompt, next to each other, at most 10,000. Needs `doSample: true`, or as many `numBeams`. Default 1. */
    numReturnSequences?: number | null | undefined;
    /** Return every step's raw logits. Default false. */
    outputLogits?: boolean | null | undefined;
    /** Return every step's processed scores. Default false. */
    outputScores?: boolean | null | undefined;
    /** Return every step's hidden states, on the reference device. Default false. */
    outputHiddenStates?: boolean | null | undefined;
    /** Return every step's shares of attention, on the reference device. Default false. */
    outputAttentions?: boolean | null | undefined;
    /** Accepted for transformers' sake: `generate` always returns an object. */
    returnDictInGenerate?: boolean | null | undefined;
  }
}

const family = "Output";

/** All rows are asked for in one tick, so their number has a limit. */
const mostRows = 10_000;

export const numReturnSequences = defineField({
  name: "numReturnSequences",
  family,
  schema: whole(1, mostRows),
  offInFiles: (value) => typeof value === "number" && value < 1,
  default: 1,
  required: true,
  description: "Rows per prompt, next to each other, at most 10,000. Needs `doSample: true`, or as many `numBeams`.",
});

export const outputLogits = defineField({
  name: "outputLogits",
  family,
  schema: boolean,
  default: false,
  required: true,
  description: "Returns every step's raw logits.",
});

export const outputScores = defineField({
  name: "outputScores",
  family,
  schema: boolean,
  default: false,
  required: true,
  description: "Returns every step's processed scores.",
});

export const outputHiddenStates = defineField({
  name: "outputHiddenStates",
  family,
  schema: boolean,
  default: false,
  required: true,
  description: "Returns every step's hidden states, on the reference device.",
});

export const outputAttentions = defineField({
  name: "outputAttentions",
  family,
  schema: boolean,
  default: false,
  required: true,
  description: "Returns every step's shares of attention, on the reference device.",
});

export const returnDictInGenerate = defineField({
  name: "returnDictInGenerate",
  family,
  schema: boolean,
  default: false,
  required: true,
  description: "Accepted for transformers' sake: `generate` always returns an object.",
});
