import { z } from "zod";
import { boolean, expects, number, whole } from "../../util/schemas.ts";
import { defineField } from "../define-field.ts";

declare module "../options.ts" {
  interface GenerationFields {
    /** Draw tokens at random by their probability. Default false: always the likeliest. */
    doSample?: boolean | null | undefined;
    /** Rows that a beam search follows at once; with `doSample` it draws their continuations. Default 1: no search. */
    numBeams?: number | null | undefined;
    /**
     * When a beam search ends. false: when no beam is likely to get better than the finished rows; true: with `numBeams`
     * finished rows; "never": when no beam can get better. Default false.
     */
    earlyStopping?: boolean | "never" | null | undefined;
    /** A beam's score is its log probability divided by length^lengthPenalty: above 0 favours long rows. Default 1. */
    lengthPenalty?: number | null | undefined;
    /** Diverse beam search: groups of beams that keep away from what the groups before them choose. Divides `numBeams`. Default 1. */
    numBeamGroups?: number | null | undefined;
    /** Taken from a token's score for each beam of an earlier group that chose it in the same step. Default 0. */
    diversityPenalty?: number | null | undefined;
    /** Above 0, without `doSample` and beams: contrastive search among the `topK` likeliest tokens, with this weight of their likeness to the text. */
    penaltyAlpha?: number | null | undefined;
    /** Phrases (token ids) that every row of a beam search must hold; a list of phrases in a phrase's place: one of them. */
    forceWordsIds?: readonly (readonly number[] | readonly (readonly number[])[])[] | null | undefined;
  }
}

const family = "Sampling and search";

/** Phrases, each as the list of its alternatives: [phrases][alternatives][tokens]. */
const phrase = z.array(z.int().min(0)).min(1);
const phrases = expects(
  "a list of phrases (token ids), or of lists of phrases of which none begins another",
  z
    .array(z.union([phrase, z.array(phrase).min(1)]))
    .min(1)
    .transform((list) => list.map((item): number[][] => (isPhrase(item) ? [item] : item)))
    .refine((list) => list.every((alternatives) => !alternatives.some((one) => startsAnother(one, alternatives)))),
);

function isPhrase(item: number[] | number[][]): item is number[] {
  return typeof item[0] === "number";
}

function startsAnother(one: readonly number[], alternatives: readonly (readonly number[])[]): boolean {
  return alternatives.some((other) => other !== one && one.every((token, place) => other[place] === token));
}

/** Without a search over beams, nothing reads its fields. */
function isOneRow({ numBeams }: { readonly [option: string]: unknown }): boolean {
  return numBeams === 1;
}

const earlyStoppings = expects("true, false or 'never'", z.union([z.boolean(), z.literal("never")]));

export const doSample = defineField({
  name: "doSample",
  family,
  schema: boolean,
  default: false,
  required: true,
  description: "Draws tokens at random by their probability; otherwise always the likeliest.",
});

export const numBeams = defineField({
  name: "numBeams",
  family,
  schema: whole(1),
  default: 1,
  required: true,
  description: "Rows that a beam search follows at once; with `doSample` it draws their continuations.",
});

export const earlyStopping = defineField({
  name: "earlyStopping",
  family,
  schema: earlyStoppings,
  default: false,
  required: true,
  description:
    'When a beam search ends. false: when no beam is likely to get better than the finished rows; true: with `numBeams` finished rows; "never": when no beam can get better.',
});

export const lengthPenalty = defineField({
  name: "lengthPenalty",
  family,
  schema: number("a finite number"),
  idle: isOneRow,
  default: 1,
  required: true,
  description: "A beam's score is its log probability divided by length^lengthPenalty: above 0 favours long rows.",
});

export const numBeamGroups = defineField({
  name: "numBeamGroups",
  family,
  schema: whole(1),
  idle: isOneRow,
  default: 1,
  required: true,
  description:
    "Diverse beam search: groups of beams that keep away from what the groups before them choose. Divides `numBeams`.",
});

export const diversityPenalty = defineField({
  name: "diversityPenalty",
  family,
  schema: number("a number of at least 0", { minimum: 0 }),
  idle: isOneRow,
  default: 0,
  required: true,
  description: "Taken from a token's score for each beam of an earlier group that chose it in the same step.",
});

export const penaltyAlpha = defineField({
  name: "penaltyAlpha",
  family,
  schema: number("a number from 0 to 1", { minimum: 0, maximum: 1 }),
  offInFiles: (value) => typeof value === "number" && value < 0,
  idle: ({ doSample, numBeams }) => doSample === true || numBeams !== 1,
  default: 0,
  required: true,
  description:
    "Above 0, without `doSample` and beams: contrastive search among the `topK` likeliest tokens, with this weight of their likeness to the text.",
});

export const forceWordsIds = defineField({
  name: "forceWordsIds",
  family,
  schema: phrases,
  default: null,
  description:
    "Phrases (token ids) that every row of a beam search must hold; a list of phrases in a phrase's place: one of them.",
});
