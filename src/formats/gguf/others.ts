import { type GgufArchitecture, modelName, nameParts } from "./architecture.ts";
import { decoderConfig, expertNames, llamaNames, placesBy } from "./decoders.ts";

/** Modules of GPT-2. */
export const gpt2Names = {
  token_embd: "transformer.wte",
  position_embd: "transformer.wpe",
  output_norm: "transformer.ln_f",
  output: "lm_head",
  attn_norm: "transformer.h.{n}.ln_1",
  attn_qkv: "transformer.h.{n}.attn.c_attn",
  attn_output: "transformer.h.{n}.attn.c_proj",
  ffn_norm: "transformer.h.{n}.ln_2",
  ffn_up: "transformer.h.{n}.mlp.c_fc",
  ffn_down: "transformer.h.{n}.mlp.c_proj",
};

/** GPT-2, whose matrices are [outputs, inputs] in files and [inputs, outputs] in the model. */
export const gpt2File: GgufArchitecture = {
  config: (fields) => ({
    model_type: "gpt2",
    vocab_size: fields.tensor("token_embd.weight")?.shape[0] ?? fields.count("vocab_size"),
    n_positions: fields.tensor("position_embd.weight")?.shape[0] ?? fields.count("context_length"),
    n_embd: fields.count("embedding_length"),
    n_layer: fields.count("block_count"),
    n_head: fields.count("attention.head_count"),
    n_inner: fields.optional("feed_forward_length") ?? null,
    activation_function: "gelu_new",
    layer_norm_epsilon: fields.optional("attention.layer_norm_epsilon") ?? 1e-5,
    tie_word_embeddings: fields.tensor("output.weight") === undefined,
  }),
  place(tensor, config) {
    const place = placesBy(gpt2Names)(tensor, config);
    const isTurned = /\.(c_attn|c_proj|c_fc)\.weight$/.test(place?.name ?? "");
    return place && isTurned ? { ...place, transposed: true } : place;
  },
};

/** gpt-oss, whose model has gate and up in one tensor, row by row, and experts as [inputs, outputs]. */
export const gptOssFile: GgufArchitecture = {
  config(fields, small) {
    const shared = decoderConfig(fields, small);
    const { rope_scaling: scaling, ...config } = shared;
    return {
      ...{ ...config, model_type: "gpt_oss", intermediate_size: fields.count("expert_feed_forward_length") },
      ...(scaling !== undefined && { rope_scaling: { ...(scaling as object), truncate: false } }),
      num_local_experts: fields.count("expert_count"),
      num_experts_per_tok: fields.count("expert_used_count"),
      sliding_window: fields.optional("attention.sliding_window") ?? 128,
    };
  },
  place(tensor, config) {
    const parts = nameParts(tensor.name);
    if (!parts) return undefined;
    const { layer, module, kind } = parts;
    const at = `model.layers.${layer}`;
    if (module === "attn_sinks") return { name: `${at}.self_attn.sinks` };
    if (module === "ffn_gate_inp") return { name: modelName(`${at}.mlp.router`, parts) };
    if (module === "post_attention_norm") return { name: modelName(`${at}.post_attention_layernorm`, parts) };
    const inner = { ffn_gate_exps: "gate_up_proj", ffn_up_exps: "gate_up_proj", ffn_down_exps: "down_proj" }[module];
    if (inner === undefined) return placesBy(llamaNames)(tensor, config);
    const turn = module === "ffn_gate_exps" ? "even" : module === "ffn_up_exps" ? "odd" : undefined;
    const name = `${at}.mlp.experts.${inner}${kind === "bias" ? "_bias" : ""}`;
    return { name, ...(kind !== "bias" && { transposed: true }), ...(turn && { turn }) };
  },
};

const deepseekNames = {
  ...{ ...llamaNames, ...expertNames },
  attn_q_a: "model.layers.{n}.self_attn.q_a_proj",
  attn_q_a_norm: "model.layers.{n}.self_attn.q_a_layernorm",
  attn_q_b: "model.layers.{n}.self_attn.q_b_proj",
  attn_kv_a_mqa: "model.layers.{n}.self_attn.kv_a_proj_with_mqa",
  attn_kv_a_norm: "model.layers.{n}.self_attn.kv_a_layernorm",
  attn_kv_b: "model.layers.{n}.self_attn.kv_b_proj",
  ffn_gate_shexp: "model.layers.{n}.mlp.shared_experts.gate_proj",
  ffn_up_shexp: "model.layers.{n}.mlp.shared_experts.up_proj",
  ffn_down_shexp: "model.layers.{n}.mlp.shared_experts.down_proj",
};

/** DeepSeek V2 and V3, which "deepseek2" names both: V3's experts are scored by sigmoids. */
export const deepseek2File: GgufArchitecture = {
  config(fields, small) {
    const [sigmoid, softmax] = [2, 1];
    const gating = fields.optional("expert_gating_func") ?? softmax;
    if (gating !== sigmoid && gating !== softmax) fields.refuse("`expert_gating_func`", gating, "1 (softmax), 2 (sigmoid)");
    const turning = fields.count("rope.dimension_count");
    const head = fields.optional("attention.key_length_mla") ?? fields.count("attention.key_length");
    const groups = fields.optional("expert_group_count") ?? 1;
    const heads = fields.count("attention.head_count");
    const { head_dim: _, ...shared } = decoderConfig(fields, small);
    return {
      ...{ ...shared, model_type: gating === sigmoid ? "deepseek_v3" : "deepseek_v2" },
      num_key_value_heads: heads,
      kv_lora_rank: fields.count("attention.kv_lora_rank"),
      q_lora_rank: fields.optional("attention.q_lora_rank") ?? null,
      qk_rope_head_dim: turning,
      qk_nope_head_dim: head - turning,
      v_head_dim: fields.optional("attention.value_length_mla") ?? fields.count("attention.value_length"),
      moe_intermediate_size: fields.count("expert_feed_forward_length"),
      first_k_dense_replace: fields.optional("leading_dense_block_count") ?? 0,
      n_shared_experts: fields.optional("expert_shared_count") ?? 1,
      n_routed_experts: fields.count("expert_count"),
      num_experts_per_tok: fields.count("expert_used_count"),
      routed_scaling_factor: fields.optional("expert_weights_scale") ?? 1,
      norm_topk_prob: fields.flag("expert_weights_norm") ?? gating === sigmoid,
      ...{ n_group: groups, topk_group: fields.optional("expert_group_used_count") ?? 1 },
      topk_method: gating === sigmoid ? "noaux_tc" : groups > 1 ? "group_limited_greedy" : "greedy",
    };
  },
  place(tensor, config) {
    const parts = nameParts(tensor.name);
    if (parts?.module === "exp_probs_b") return { name: `model.layers.${parts.layer}.mlp.gate.e_score_correction_bias` };
    return placesBy(deepseekNames)(tensor, config);
  },
};
