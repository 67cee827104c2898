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
import { count, decoderFields, onUnlessNull, refuse, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";
import { parseRope } from "../rope-config.ts";
import { stretchedScale } from "../score-scale.ts";

/**
 * DeepSeek V3 and R1: latent attention, experts chosen in groups by sigmoid scores, shared experts. Layers after
 * `num_hidden_layers` (multi-token prediction) are not read.
 * Source: transformers' modeling_deepseek_v3.py; DeepSeek-AI 2024, "DeepSeek-V3 Technical Report".
 */
export const deepseekV3 = defineArchitecture({
  modelType: "deepseek_v3",
  spare: { layersAhead: [61] },
  aliases: { num_local_experts: "n_routed_experts" },
  fields: {
    ...decoderFields,
    max_position_embeddings: withDefault(count, 4096),
    attention_bias: withDefault(z.boolean(), false),
    kv_lora_rank: withDefault(count, 512),
    // absent: 1536; null: one projection
    q_lora_rank: count.nullable().default(1536),
    qk_rope_head_dim: withDefault(count, 64),
    qk_nope_head_dim: withDefault(count, 128),
    v_head_dim: withDefault(count, 128),
    rope_interleave: onUnlessNull,
    moe_intermediate_size: withDefault(count, 2048),
    first_k_dense_replace: withDefault(z.int().nonnegative(), 3),
    n_shared_experts: withDefault(z.int().nonnegative(), 1),
    n_routed_experts: withDefault(count, 256),
    num_experts_per_tok: withDefault(count, 8),
    n_group: withDefault(count, 8),
    topk_group: withDefault(count, 4),
    norm_topk_prob: onUnlessNull,
    routed_scaling_factor: withDefault(z.number(), 2.5),
    scoring_func: withDefault(z.string(), "sigmoid"),
    topk_method: withDefault(z.string(), "noaux_tc"),
    moe_layer_freq: withDefault(z.number(), 1),
  },
  forward(config, { program, raw, tiedTo }) {
    const { hiddenSize, numAttentionHeads: heads, rmsNormEps: epsilon, vocabSize: vocabulary, hiddenAct: kind } = config;
    const { nRoutedExperts: experts, moeIntermediateSize: inner, qkNopeHeadDim, qkRopeHeadDim } = config;
    const keyValueHeads = config.numKeyValueHeads ?? heads;
    refuse(keyValueHeads !== heads, "num_key_value_heads", keyValueHeads, `num_attention_heads (${heads})`);
    refuse(config.scoringFunc !== "sigmoid", "scoring_func", config.scoringFunc, "sigmoid");
    refuse(config.topkMethod !== "noaux_tc", "topk_method", config.topkMethod, "noaux_tc");
    refuse(config.moeLayerFreq !== 1, "moe_layer_freq", config.moeLayerFreq, "1");
    const rope = parseRope(raw, { maxPositions: config.maxPositionEmbeddings, interleaved: config.ropeInterleave });
    const latent = {
      heads,
      latent: config.kvLoraRank,
      plainDim: qkNopeHeadDim,
      rotaryDim: qkRopeHeadDim,
      valueHeadDim: config.vHeadDim,
      queryRank: config.qLoraRank ?? undefined,
      bias: config.attentionBias,
      epsilon: 1e-6, // whatever rms_norm_eps says
      scale: stretchedScale(raw, rope) / Math.sqrt(qkNopeHeadDim + qkRopeHeadDim),
      rope,
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
      let fed = mixtureOfExperts(program, m, {
        module: `${module}.experts`,
        experts,
        width: inner,
        kind,
        router: {
          module: `${module}.gate`,
          count: config.numExpertsPerTok,
          score: "sigmoid",
          unroundedShares: true,
          unroundedLogits: true,
          correction: `${module}.gate.e_score_correction_bias`,
          groups: config.nGroup,
          topGroups: config.topkGroup,
          normalize: config.normTopkProb,
          factor: config.routedScalingFactor,
        },
        ...expertLayouts(`${module}.experts`, experts),
      }); // [tokens, hidden]
      if (config.nSharedExperts > 0) {
        const width = inner * config.nSharedExperts;
        fed = add(program, fed, gatedMlp(program, m, { module: `${module}.shared_experts`, width, kind }), module);
      }
      x = add(program, x, fed, at);
    }
    const hidden = rmsNorm(program, x, { module: "model.norm", epsilon }); // [tokens, hidden]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo }); // [rows, vocabulary]
    return { logits, hidden };
  },
});
