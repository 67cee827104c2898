import { z } from "zod";
import {
  add,
  embedding,
  expertLayouts,
  gatedMlp,
  languageHead,
  latentAttention,
  mixtureOfExperts,
  rmsNorm,
} from "../../layers/index.ts";
import { count, decoderFields, refuse, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";
import { parseRope, withRotaryDefaults } from "../rope-config.ts";
import { queryGrowth, stretchedScale } from "../score-scale.ts";

/** The rotary parameters that transformers takes where config.json has none. */
const yarn = {
  rope_type: "yarn",
  rope_theta: 10000,
  factor: 128,
  original_max_position_embeddings: 8192,
  mscale: 1,
  mscale_all_dim: 1,
  llama_4_scaling_beta: 0.1,
};

/**
 * Mistral 4: latent attention whose queries grow with the context, experts chosen by softmax, a shared expert.
 * Source: transformers' modeling_mistral4.py.
 */
export const mistral4 = defineArchitecture({
  modelType: "mistral4",
  aliases: { num_local_experts: "n_routed_experts" },
  fields: {
    ...decoderFields,
    vocab_size: withDefault(count, 131072),
    hidden_size: withDefault(count, 4096),
    intermediate_size: withDefault(count, 12288),
    num_hidden_layers: withDefault(count, 36),
    num_attention_heads: withDefault(count, 32),
    num_key_value_heads: count.nullable().default(32),
    max_position_embeddings: withDefault(count, 1048576),
    attention_bias: withDefault(z.boolean(), false),
    kv_lora_rank: withDefault(count, 256),
    // absent: 1024; null: one projection
    q_lora_rank: count.nullable().default(1024),
    qk_rope_head_dim: withDefault(count, 64),
    qk_nope_head_dim: withDefault(count, 64),
    v_head_dim: withDefault(count, 128),
    rope_interleave: withDefault(z.boolean(), true),
    moe_intermediate_size: withDefault(count, 2048),
    first_k_dense_replace: withDefault(z.int().nonnegative(), 0),
    n_shared_experts: withDefault(count, 1),
    n_routed_experts: withDefault(count, 128),
    num_experts_per_tok: withDefault(count, 4),
    n_group: withDefault(count, 1),
    topk_group: withDefault(count, 1),
    norm_topk_prob: withDefault(z.boolean(), true),
    routed_scaling_factor: withDefault(z.number(), 1),
  },
  forward(config, { program, raw, tiedTo }) {
    const { hiddenSize, numAttentionHeads: heads, rmsNormEps: epsilon, vocabSize: vocabulary, hiddenAct: kind } = config;
    const { nRoutedExperts: experts, moeIntermediateSize: inner, qkNopeHeadDim, qkRopeHeadDim } = config;
    const keyValueHeads = config.numKeyValueHeads ?? heads;
    refuse(keyValueHeads !== heads, "num_key_value_heads", keyValueHeads, `num_attention_heads (${heads})`);
    const given = withRotaryDefaults(raw, yarn);
    const { maxPositionEmbeddings: maxPositions } = config;
    const parsed = parseRope(given, { maxPositions, defaultPartialRotaryFactor: 1, interleaved: config.ropeInterleave });
    refuse(parsed.kind !== "yarn", "rope_type", parsed.kind, "yarn");
    // the part of a head that turns has a projection of its own, and turns whole
    const part = qkRopeHeadDim / (qkNopeHeadDim + qkRopeHeadDim);
    const named = parsed.partialRotaryFactor ?? 1;
    refuse(named !== 1 && Math.abs(named - part) > 1e-6, "partial_rotary_factor", named, `${part}, by the widths of heads`);
    const rope = { ...parsed, partialRotaryFactor: 1 };
    const latent = {
      heads,
      latent: config.kvLoraRank,
      plainDim: qkNopeHeadDim,
      rotaryDim: qkRopeHeadDim,
      valueHeadDim: config.vHeadDim,
      queryRank: config.qLoraRank ?? undefined,
      bias: config.attentionBias,
      epsilon: 1e-6, // whatever rms_norm_eps says
      scale: stretchedScale(given, rope) / Math.sqrt(qkNopeHeadDim + qkRopeHeadDim),
      rope,
      growth: { ...queryGrowth(given, rope, maxPositions), roundFactor: true },
    };

    let x = embedding(program, { module: "model.embed_tokens", vocabulary, width: hiddenSize }); // [tokens, hidden]
    for (const layer of program.layers(config.numHiddenLayers)) {
      const at = `model.layers.${layer}`;
      const module = `${at}.mlp`;

      const a = rmsNorm(program, x, { module: `${at}.input_layernorm`, epsilon }); // [tokens, hidden]
      x = add(program, x, latentAttention(program, a, { module: `${at}.self_attn`, ...latent }), at);

      const m = rmsNorm(program, x, { module: `${at}.post_attention_layernorm`, epsilon }); // [tokens, hidden]
      if (layer < config.firstKDenseReplace) {
        x = add(program, x, gatedMlp(program, m, { module, width: config.intermediateSize, kind }), at);
        continue;
      }
      const routed = mixtureOfExperts(program, m, {
        module: `${module}.experts`,
        experts,
        width: inner,
        kind,
        router: {
          module: `${module}.gate`,
          count: config.numExpertsPerTok,
          score: "softmax",
          groups: config.nGroup,
          topGroups: config.topkGroup,
          normalize: config.normTopkProb,
          factor: config.routedScalingFactor,
        },
        ...expertLayouts(`${module}.experts`, experts),
      }); // [tokens, hidden]
      const width = inner * config.nSharedExperts;
      const fed = add(program, routed, gatedMlp(program, m, { module: `${module}.shared_experts`, width, kind }), module);
      x = add(program, x, fed, at);
    }
    const hidden = rmsNorm(program, x, { module: "model.norm", epsilon }); // [tokens, hidden]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo }); // [rows, vocabulary]
    return { logits, hidden };
  },
});
