import { type GgufArchitecture, type ModuleNames, modelName, nameParts, type SmallTensors } from "./architecture.ts";
import type { GgufFields } from "./fields.ts";
import { ropeOf } from "./rope.ts";

/** Modules of Llama and its like. */
export const llamaNames: ModuleNames = {
  token_embd: "model.embed_tokens",
  output_norm: "model.norm",
  output: "lm_head",
  attn_norm: "model.layers.{n}.input_layernorm",
  attn_q: "model.layers.{n}.self_attn.q_proj",
  attn_k: "model.layers.{n}.self_attn.k_proj",
  attn_v: "model.layers.{n}.self_attn.v_proj",
  attn_output: "model.layers.{n}.self_attn.o_proj",
  attn_q_norm: "model.layers.{n}.self_attn.q_norm",
  attn_k_norm: "model.layers.{n}.self_attn.k_norm",
  ffn_norm: "model.layers.{n}.post_attention_layernorm",
  ffn_gate: "model.layers.{n}.mlp.gate_proj",
  ffn_up: "model.layers.{n}.mlp.up_proj",
  ffn_down: "model.layers.{n}.mlp.down_proj",
};

/** Modules of experts; `{e}` is the expert's number. */
export const expertNames: ModuleNames = {
  ffn_gate_inp: "model.layers.{n}.mlp.gate",
  ffn_gate_exps: "model.layers.{n}.mlp.experts.{e}.gate_proj",
  ffn_up_exps: "model.layers.{n}.mlp.experts.{e}.up_proj",
  ffn_down_exps: "model.layers.{n}.mlp.experts.{e}.down_proj",
};

/** Modules of Mixtral beside those of Llama. */
export const mixtralNames: ModuleNames = {
  ffn_gate_inp: "model.layers.{n}.block_sparse_moe.gate",
  ffn_gate_exps: "model.layers.{n}.block_sparse_moe.experts.{e}.w1",
  ffn_up_exps: "model.layers.{n}.block_sparse_moe.experts.{e}.w3",
  ffn_down_exps: "model.layers.{n}.block_sparse_moe.experts.{e}.w2",
};

/** Places by a table of names. */
export function placesBy(names: ModuleNames, more: { add?: number } = {}): GgufArchitecture["place"] {
  return (tensor) => {
    const parts = nameParts(tensor.name);
    if (!parts) return undefined;
    const { module, expert } = parts;
    if (expert !== undefined) {
      const found = names[`${module}_exps`]; // older files have a tensor for each expert
      return found === undefined ? undefined : { name: modelName(found.replace("{e}", expert), parts) };
    }
    const found = Object.hasOwn(names, module) ? names[module] : undefined;
    if (found === undefined) return undefined;
    const isNorm = more.add !== undefined && module.endsWith("norm");
    return {
      name: modelName(found, parts),
      ...(found.includes("{e}") && { experts: true }),
      ...(isNorm && { add: more.add }),
    };
  };
}

/** Fields of config.json that all decoders have. */
export function decoderConfig(fields: GgufFields, small: SmallTensors): Record<string, unknown> {
  const heads = fields.count("attention.head_count");
  const head = fields.optional("attention.key_length");
  return {
    vocab_size: fields.tensor("token_embd.weight")?.shape[0] ?? fields.count("vocab_size"),
    hidden_size: fields.count("embedding_length"),
    intermediate_size: fields.optional("feed_forward_length") ?? fields.count("expert_feed_forward_length"),
    num_hidden_layers: fields.count("block_count"),
    num_attention_heads: heads,
    num_key_value_heads: fields.optional("attention.head_count_kv") ?? heads,
    ...(head !== undefined && { head_dim: head }),
    rms_norm_eps: fields.optional("attention.layer_norm_rms_epsilon") ?? 1e-6,
    max_position_embeddings: fields.optional("context_length") ?? 2048,
    tie_word_embeddings: fields.tensor("output.weight") === undefined,
    ...ropeOf(fields, small),
  };
}

const hasBias = (fields: GgufFields, module: string) => fields.tensor(`blk.0.${module}.bias`) !== undefined;

/** Llama, Mistral and Mixtral: all are "llama" in files, whose rows of q and k stand as pairs that turn together. */
export const llamaFile: GgufArchitecture = {
  config(fields, small) {
    const shared = decoderConfig(fields, small);
    const { num_attention_heads: heads, hidden_size: hidden } = shared as { [field: string]: number };
    const head_dim = shared.head_dim ?? fields.optional("rope.dimension_count") ?? Math.floor(hidden! / heads!);
    const turning = fields.optional("rope.dimension_count") ?? head_dim;
    if (turning !== head_dim)
      fields.refuse("`rope.dimension_count` of a llama model", turning, `${head_dim}, the width of a head`);
    const window = fields.optional("attention.sliding_window");
    const experts = fields.optional("expert_count") ?? 0;
    const config = { ...shared, head_dim };
    if (experts > 0) {
      const used = fields.count("expert_used_count");
      return {
        ...{ ...config, model_type: "mixtral", num_local_experts: experts, num_experts_per_tok: used },
        sliding_window: window ?? null,
      };
    }
    if (window !== undefined && window > 0) return { ...config, model_type: "mistral", sliding_window: window };
    return {
      ...{ ...config, model_type: "llama" },
      attention_bias: hasBias(fields, "attn_q"),
      mlp_bias: hasBias(fields, "ffn_gate"),
    };
  },
  place(tensor, config) {
    const names = config.model_type === "mixtral" ? { ...llamaNames, ...mixtralNames } : llamaNames;
    const place = placesBy(names)(tensor, config);
    const module = nameParts(tensor.name)?.module;
    if (module !== "attn_q" && module !== "attn_k") return place;
    const heads = config[module === "attn_q" ? "num_attention_heads" : "num_key_value_heads"] as number;
    return place && { ...place, heads };
  },
};

export const qwen2File: GgufArchitecture = {
  config: (fields, small) => ({ ...decoderConfig(fields, small), model_type: "qwen2", use_sliding_window: false }),
  place: placesBy(llamaNames),
};

export const qwen3File: GgufArchitecture = {
  config: (fields, small) => ({ ...decoderConfig(fields, small), model_type: "qwen3", use_sliding_window: false }),
  place: placesBy(llamaNames),
};

export const qwen3MoeFile: GgufArchitecture = {
  config(fields, small) {
    const layers = Array.from({ length: Math.min(fields.count("block_count"), 10_000) }, (_, layer) => layer);
    return {
      ...{ ...decoderConfig(fields, small), model_type: "qwen3_moe", use_sliding_window: false },
      num_experts: fields.count("expert_count"),
      num_experts_per_tok: fields.count("expert_used_count"),
      moe_intermediate_size: fields.count("expert_feed_forward_length"),
      norm_topk_prob: true, // files do not say, and llama.cpp always does
      mlp_only_layers: layers.filter((layer) => fields.tensor(`blk.${layer}.ffn_gate_inp.weight`) === undefined),
    };
  },
  place: placesBy({ ...llamaNames, ...expertNames }),
};

/** Phi 3 has projections of q, k and v in one matrix, and of gate and up in one. */
export const phi3Names: ModuleNames = {
  ...llamaNames,
  attn_qkv: "model.layers.{n}.self_attn.qkv_proj",
  ffn_up: "model.layers.{n}.mlp.gate_up_proj",
};

export const phi3File: GgufArchitecture = {
  config(fields, small) {
    const shared = decoderConfig(fields, small);
    const {
      num_attention_heads: heads,
      hidden_size: hidden,
      max_position_embeddings: context,
    } = shared as Record<string, number>;
    const head = (shared.head_dim as number | undefined) ?? Math.floor(hidden! / heads!);
    const turning = fields.optional("rope.dimension_count") ?? head;
    const window = fields.optional("attention.sliding_window") ?? 0;
    const original = fields.optional("rope.scaling.original_context_length") ?? context;
    return {
      ...{ ...shared, model_type: "phi3", original_max_position_embeddings: original },
      ...(turning !== head && { partial_rotary_factor: turning / head }),
      sliding_window: window > 0 ? window : null,
    };
  },
  place: placesBy(phi3Names),
};
