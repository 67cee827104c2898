import { z } from "zod";
import type { Rope } from "../layers/index.ts";
import { optional, parseFields } from "./config.ts";

const number = optional(z.number());

/** The fields of rotary parameters, of all kinds together. */
export const ropeFields = z.object({
  rope_type: optional(z.string()),
  type: optional(z.string()),
  rope_theta: number,
  partial_rotary_factor: optional(z.number().min(0).max(1)),
  factor: number,
  original_max_position_embeddings: number,
  attention_factor: number,
  alpha: number,
  beta_fast: number,
  beta_slow: number,
  mscale: number,
  mscale_all_dim: number,
  truncate: optional(z.boolean()),
  low_freq_factor: number,
  high_freq_factor: number,
  short_factor: optional(z.array(z.number())),
  long_factor: optional(z.array(z.number())),
});

/** Rotary parameters of a config.json, and what the fields around them and the architecture say. */
export interface RotaryParameters {
  /** What errors call the place of the parameters. */
  key: string;
  /** The parameters as the file has them. */
  given: Record<string, unknown>;
  fields: z.output<typeof ropeFields>;
  /** What a rope of any kind has. */
  common: { theta: number; partialRotaryFactor: number; interleaved?: true; unrounded?: "products" | "all" };
  /** Length of context that the model was made for, before it was stretched. */
  originalLength: number;
  maxPositions: number;
  /** Width of a head, for models that read `alpha` with the kind "dynamic" (HunYuan). */
  alphaOver?: number | undefined;
}

/** How the parameters of each `rope_type` read. */
export const ropeKinds: { readonly [kind: string]: (parameters: RotaryParameters) => Rope } = {
  default: ({ common }) => ({ kind: "default", ...common }),
  linear: (parameters) => ({ kind: "linear", ...parameters.common, factor: positive(parameters, "factor") }),
  dynamic: dynamicRope,
  yarn: yarnRope,
  llama3: (parameters) => ({
    kind: "llama3",
    ...parameters.common,
    factor: positive(parameters, "factor"),
    originalLength: parameters.originalLength,
    lowFrequencyFactor: positive(parameters, "low_freq_factor"),
    highFrequencyFactor: positive(parameters, "high_freq_factor"),
  }),
  longrope: longRope,
  proportional: ({ common: { partialRotaryFactor: proportion, ...common }, fields }) => ({
    kind: "proportional",
    ...common,
    proportion,
    factor: fields.factor ?? 1,
  }),
};

/** `alpha` stretches the base of short contexts too: theta · alpha ^ (n / (n − 2)). */
function dynamicRope(parameters: RotaryParameters): Rope {
  const { common, fields, maxPositions: originalLength, alphaOver: n } = parameters;
  const shortTheta = n && fields.alpha ? Math.fround(common.theta * fields.alpha ** (n / (n - 2))) : undefined;
  const factor = positive(parameters, "factor");
  return { kind: "dynamic", ...common, factor, originalLength, ...(shortTheta !== undefined && { shortTheta }) };
}

function yarnRope({ common, fields, originalLength, maxPositions }: RotaryParameters): Rope {
  const factor = fields.factor ?? maxPositions / originalLength;
  return {
    kind: "yarn",
    ...common,
    factor,
    originalLength,
    betaFast: fields.beta_fast || 32,
    betaSlow: fields.beta_slow || 1,
    truncate: fields.truncate ?? true,
    attentionFactor: fields.attention_factor ?? yarnAttentionFactor(factor, fields.mscale, fields.mscale_all_dim),
  };
}

/** Factor on sine and cosine that yarn suggests: 0.1 · mscale · ln(factor) + 1, of one mscale or of the ratio of two. */
function yarnAttentionFactor(factor: number, mscale?: number, mscaleAllDim?: number): number {
  const scaleOf = (by: number) => (factor <= 1 ? 1 : 0.1 * by * Math.log(factor) + 1);
  return mscale && mscaleAllDim ? scaleOf(mscale) / scaleOf(mscaleAllDim) : scaleOf(1);
}

function longRope({ key, given, common, fields, originalLength, maxPositions }: RotaryParameters): Rope {
  const list = (name: "short_factor" | "long_factor") =>
    parseFields(z.object({ [key]: z.object({ [name]: z.array(z.number().positive()) }) }), { [key]: given })[key]![name]!;
  const factor = fields.factor ?? maxPositions / originalLength;
  const suggested = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(originalLength));
  return {
    kind: "longrope",
    ...common,
    shortFactor: list("short_factor"),
    longFactor: list("long_factor"),
    originalLength,
    attentionFactor: fields.attention_factor ?? suggested,
  };
}

/** A field that the kind cannot do without. */
function positive({ key, given }: RotaryParameters, name: "factor" | "low_freq_factor" | "high_freq_factor"): number {
  return parseFields(z.object({ [key]: z.object({ [name]: z.number().positive() }) }), { [key]: given })[key]![name]!;
}
