import { z } from "zod";
import type { Rope } from "../layers/index.ts";
import { count, optional, parseFields, refuse, unsupported } from "./config.ts";
import { ropeFields, ropeKinds } from "./rope-kinds.ts";

const record = z.record(z.string(), z.unknown());
const rotaryPlaces = z.object({ rope_scaling: optional(record), rope_parameters: optional(record) });
const topFields = z.object({
  ...rotaryPlaces.shape,
  rope_theta: optional(z.number()),
  partial_rotary_factor: optional(z.number().min(0).max(1)),
  original_max_position_embeddings: optional(count),
});

/** What an architecture says of its rotary embedding, beside config.json. */
export interface RopeOptions {
  defaultTheta?: number;
  /**
   * Part of each head that turns when config.json does not say it, for models whose heads may turn in part. Without this
   * option heads turn whole; the default kind then ignores the field, as transformers does.
   */
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
  /** Pairs are neighbours (GPT-J) instead of halves. */
  interleaved?: boolean;
  /** See `Rope`. */
  unrounded?: "products" | "all";
}

/**
 * The rotary embedding of a config.json, in either form: `rope_theta` with `rope_scaling`, or `rope_parameters`
 * (transformers 5). `type` is an older name of `rope_type`.
 */
export function parseRope(config: unknown, options: RopeOptions): Rope {
  const top = parseFields(topFields, config);
  const { field, given = {} } = rotaryFields(top);
  const key = options.key ?? field;
  const nested = Object.keys(given).find((name) => name.endsWith("_attention"));
  refuse(nested !== undefined, `${key}.${nested}`, given[nested ?? ""], "one set of rotary parameters for all layers");
  const fields = parseFields(ropeFields, given);

  const name = fields.rope_type ?? fields.type ?? "default";
  const kind = options.kinds?.[name] ?? name;
  const part = fields.partial_rotary_factor ?? top.partial_rotary_factor ?? options.defaultPartialRotaryFactor ?? 1;
  const read = Object.hasOwn(ropeKinds, kind) ? ropeKinds[kind] : undefined;
  const common = {
    theta: fields.rope_theta ?? top.rope_theta ?? options.defaultTheta ?? 10000,
    partialRotaryFactor: turningPart(kind, part, key, options),
    ...(options.interleaved && { interleaved: true as const }),
    ...(options.unrounded && { unrounded: options.unrounded }),
  };
  // transformers lets the outer field win over the inner one, and falls back to max_position_embeddings
  const originalLength =
    top.original_max_position_embeddings ??
    options.originalPositions ??
    fields.original_max_position_embeddings ??
    options.maxPositions;
  if (!read) return unsupported(`${key}.rope_type`, kind, Object.keys(ropeKinds).join(", "));
  const { maxPositions, alphaOver } = options;
  return read({ key, given, fields, common, originalLength, maxPositions, alphaOver });
}

/** The part of each head that turns, or refusal of one that the model cannot have. */
function turningPart(kind: string, part: number, key: string, options: RopeOptions): number {
  const isWhole = options.defaultPartialRotaryFactor === undefined && kind !== "proportional";
  refuse(isWhole && kind !== "default" && part !== 1, `${key}.partial_rotary_factor`, part, `1 with rope_type ${kind}`);
  refuse(!(part >= 0 && part <= 1), "partial_rotary_factor", part, "a part from 0 to 1");
  const cut = Math.trunc((options.evenPartOf ?? 0) * part);
  refuse(cut % 2 !== 0, "partial_rotary_factor", part, `an even part of ${options.evenPartOf}`);
  return isWhole ? 1 : part;
}

/**
 * The rotary parameters of a config.json as they are, and the field that holds them: `rope_scaling` where it has
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
  options: { thetaField: string; defaultTheta: number; maxPositions: number; unrounded?: "products" | "all" },
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
