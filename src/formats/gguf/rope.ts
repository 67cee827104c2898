import type { SmallTensors } from "./architecture.ts";
import type { GgufFields } from "./fields.ts";

/** The rotary fields of config.json. */
export function ropeOf(fields: GgufFields, small: SmallTensors): Record<string, unknown> {
  const theta = { rope_theta: fields.optional("rope.freq_base") ?? 10000 };
  const scaling = scalingOf(fields, small);
  return scaling ? { ...theta, rope_scaling: scaling } : theta;
}

function scalingOf(fields: GgufFields, small: SmallTensors): Record<string, unknown> | undefined {
  const [long, short] = [small.get("rope_factors_long.weight"), small.get("rope_factors_short.weight")];
  const context = fields.optional("context_length") ?? 2048;
  const original = fields.optional("rope.scaling.original_context_length");
  const named = fields.text("rope.scaling.type");
  const factor = fields.optional("rope.scaling.factor") ?? fields.optional("rope.scale_linear");
  if (long && short) {
    return {
      rope_type: "longrope",
      ...{ long_factor: [...long], short_factor: [...short], original_max_position_embeddings: original ?? context },
      attention_factor: fields.optional("rope.scaling.attn_factor") ?? 1,
    };
  }
  // factors of Llama 3's periods, which transformers computes of four numbers that files lack
  const factors = small.get("rope_freqs.weight");
  if (factors) {
    const both = { long_factor: [...factors], short_factor: [...factors] };
    return { rope_type: "longrope", ...both, original_max_position_embeddings: context, attention_factor: 1 };
  }
  if (named === "yarn") return yarn(fields, factor ?? 1, original);
  if (named === "linear" || (named === undefined && factor !== undefined)) {
    return factor === undefined || factor === 1 ? undefined : { rope_type: "linear", factor };
  }
  if (named === undefined || named === "none") return undefined;
  return fields.refuse(`\`rope.scaling.type\` ${named} without its factors`, named, "none, linear, yarn, longrope");
}

function yarn(fields: GgufFields, factor: number, original: number | undefined): Record<string, unknown> {
  const attention = fields.optional("rope.scaling.yarn_attn_factor") ?? fields.optional("rope.scaling.attn_factor");
  const share = fields.optional("rope.scaling.yarn_ext_factor");
  if (share !== undefined && share !== 1 && share !== -1) fields.refuse("`rope.scaling.yarn_ext_factor`", share, "1");
  const logarithm = fields.optional("rope.scaling.yarn_log_multiplier");
  const suggested = 0.1 * Math.log(factor) + 1;
  return {
    ...{ rope_type: "yarn", factor },
    ...(original !== undefined && { original_max_position_embeddings: original }),
    beta_fast: fields.optional("rope.scaling.yarn_beta_fast") ?? 32,
    beta_slow: fields.optional("rope.scaling.yarn_beta_slow") ?? 1,
    // DeepSeek's: 0.1 times what transformers calls mscale, of which the files have one for both
    ...(logarithm !== undefined && { mscale: 10 * logarithm, mscale_all_dim: 10 * logarithm }),
    ...(attention !== undefined && attention !== 1 && { attention_factor: attention * suggested }),
  };
}
