import { z } from "zod";
import type { Rope } from "../layers/index.ts";
import { count, optional, parseFields, refuse } from "./config.ts";

const number = optional(z.number());

const ropeFields = z.object({
  rope_type: optional(z.string()),
  type: optional(z.string()),
  rope_theta: number,
  partial_rotary_factor: number,
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

const record = z.record(z.string(), z.unknown());
const rotaryPlaces = z.object({ rope_scaling: optional(record), rope_parameters: optional(record) });
const topFields = z.object({
  ...rotaryPlaces.shape,
  rope_theta: number,
  partial_rotary_factor: number,
  original_max_position_embeddings: optional(count),
  max_position_embeddings: optional(count),
});

const supported = "default, linear, dynamic, yarn, llama3, longrope, proportional";

/**
 * The rotary embedding of a config.json, in either form: `rope_theta` with `rope_scaling`, or `rope_parameters`
 * (transformers 5). `type` is an older name of `rope_type`.
 */
export function parseRope(
  config: unknown,
  options: {
    defaultTheta?: number;
    /** Of models whose heads may turn in part. Without it they turn whole, in the default kind whatever the field says. */
    defaultPartialRotaryFactor?: number;
    /** What errors call the place of the parameters. Default: where they stand. */
    key?: string;
    /** Other names of a `rope_type`. */
    kinds?: { readonly [name: string]: string };
    maxPositions: number;
    /** Default of the outer `original_max_position_embeddings`, for models whose config class has that field. */
    originalPositions?: number;
    /** Width of a head, for models that read `alpha` with the type "dynamic": theta · alpha ^ (n / (n − 2)) (HunYuan). */
    alphaOver?: number;
    /** Width of a head, for models that cut off the part that turns, which then must be even. */
    evenPartOf?: number;
    interleaved?: boolean;
    wide?: "products" | "all";
  },
): Rope {
  const top = parseFields(topFields, config);
  const { field, given = {} } = rotaryFields(top);
  const key = options.key ?? field;
  const nested = Object.keys(given).find((name) => name.endsWith("_attention"));
  refuse(nested !== undefined, `${key}.${nested}`, given[nested ?? ""], "one set of rotary parameters for all layers");
  const rope = parseFields(ropeFields, given);

  const name = rope.rope_type ?? rope.type ?? "default";
  const kind = options.kinds?.[name] ?? name;
  const { defaultPartialRotaryFactor: defaultPart } = options;
  const part = rope.partial_rotary_factor ?? top.partial_rotary_factor ?? defaultPart ?? 1;
  const isWhole = defaultPart === undefined && kind !== "proportional";
  refuse(isWhole && kind !== "default" && part !== 1, `${key}.partial_rotary_factor`, part, `1 with rope_type ${kind}`);
  const cut = Math.trunc((options.evenPartOf ?? 0) * part);
  refuse(cut % 2 !== 0, "partial_rotary_factor", part, `an even part of ${options.evenPartOf}`);
  const common = {
    theta: rope.rope_theta ?? top.rope_theta ?? options.defaultTheta ?? 10000,
    partialRotaryFactor: isWhole ? 1 : part,
    ...(options.interleaved && { interleaved: true }),
    ...(options.wide && { wide: options.wide }),
  };
  // transformers lets the outer field win over the inner one, and falls back to max_position_embeddings
  const originalLength =
    top.original_max_position_embeddings ??
    options.originalPositions ??
    rope.original_max_position_embeddings ??
    options.maxPositions;
  const need = (name: "factor" | "low_freq_factor" | "high_freq_factor") =>
    parseFields(z.object({ [key]: z.object({ [name]: z.number().positive() }) }), { [key]: given })[key]![name]!;

  switch (kind) {
    case "default":
      return { kind, ...common };
    case "linear":
      return { kind, ...common, factor: need("factor") };
    case "proportional": {
      const { partialRotaryFactor: proportion, ...whole } = common;
      return { kind, ...whole, proportion, factor: rope.factor ?? 1 };
    }
    case "dynamic": {
      const { alphaOver: n } = options;
      const shortTheta = n && rope.alpha ? Math.fround(common.theta * rope.alpha ** (n / (n - 2))) : undefined;
      const dynamic = { kind, ...common, factor: need("factor"), originalLength: options.maxPositions } as const;
      return shortTheta === undefined ? dynamic : { ...dynamic, shortTheta };
    }
    case "yarn": {
      const factor = rope.factor ?? options.maxPositions / originalLength;
      return {
        kind,
        ...common,
        factor,
        originalLength,
        betaFast: rope.beta_fast || 32,
        betaSlow: rope.beta_slow || 1,
        truncate: rope.truncate ?? true,
        attentionFactor: rope.attention_factor ?? yarnAttentionFactor(factor, rope.mscale, rope.mscale_all_dim),
      };
    }
    case "longrope": {
      const list = (name: "short_factor" | "long_factor") =>
        parseFields(z.object({ [key]: z.object({ [name]: z.array(z.number().positive()) }) }), { [key]: given })[key]![name]!;
      const factor = rope.factor ?? options.maxPositions / originalLength;
      const suggested = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(originalLength));
      return {
        kind,
        ...common,
        shortFactor: list("short_factor"),
        longFactor: list("long_factor"),
        originalLength,
        attentionFactor: rope.attention_factor ?? suggested,
      };
    }
    case "llama3":
      return {
        kind,
        ...common,
        factor: need("factor"),
        originalLength,
        lowFrequencyFactor: need("low_freq_factor"),
        highFrequencyFactor: need("high_freq_factor"),
      };
    default:
      refuse(true, `${key}.rope_type`, kind, supported);
      throw new Error("unreachable");
  }
}

/**
 * The rotary parameters of a config.json as they stand, and the field they stand in: `rope_scaling` where it holds
 * something, else `rope_parameters`; undefined where neither is given.
 *
 * @throws TsumugiError `config_invalid` where a field is no object
 */
export function rotaryFields(config: unknown): {
  field: "rope_scaling" | "rope_parameters";
  given: Record<string, unknown> | undefined;
} {
  const { rope_scaling, rope_parameters } = parseFields(rotaryPlaces, config);
  if (rope_scaling && Object.keys(rope_scaling).length > 0) return { field: "rope_scaling", given: rope_scaling };
  return { field: "rope_parameters", given: rope_parameters };
}

/** The config.json with these rotary parameters where it has none, for models whose config class fills them in. */
export function withRotaryDefaults(config: unknown, defaults: Record<string, unknown>): unknown {
  return rotaryFields(config).given ? config : { ...(config as object), rope_parameters: defaults };
}

/**
 * The rotary embedding of one type of layer (Gemma 3): `rope_parameters.<layerType>`, or in older files the base in
 * `thetaField`, with `rope_scaling` for full attention alone.
 */
export function parseRopeOfLayerType(
  config: unknown,
  layerType: "full_attention" | "sliding_attention",
  options: { thetaField: string; defaultTheta: number; maxPositions: number; wide?: "products" | "all" },
): Rope {
  const top = parseFields(z.looseObject(nestedFields), config);
  const scaling = layerType === "full_attention" ? top.rope_scaling : undefined;
  const given = { rope_theta: top[options.thetaField], ...top.rope_parameters?.[layerType], ...scaling };
  return wholeRope(given, { ...options, field: `rope_parameters.${layerType}` });
}

/** The rotary embedding of one type of layer, of the fields in `given`; its heads always turn whole. */
export function wholeRope(
  given: Record<string, unknown>,
  options: { field: string; defaultTheta?: number; maxPositions: number },
): Rope {
  const { field, ...others } = options;
  return parseRope({ rope_parameters: given }, { ...others, key: field });
}

const nestedFields = {
  rope_scaling: optional(record),
  rope_parameters: optional(z.object({ full_attention: optional(record), sliding_attention: optional(record) })),
};

/** Factor on sine and cosine that yarn suggests: 0.1 · mscale · ln(factor) + 1, of one mscale or of the ratio of two. */
function yarnAttentionFactor(factor: number, mscale?: number, mscaleAllDim?: number): number {
  const scaleOf = (by: number) => (factor <= 1 ? 1 : 0.1 * by * Math.log(factor) + 1);
  return mscale && mscaleAllDim ? scaleOf(mscale) / scaleOf(mscaleAllDim) : scaleOf(1);
}
