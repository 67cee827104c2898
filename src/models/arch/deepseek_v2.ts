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
import { count, decoderFields, optional, refuse, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";
import { parseRope } from "../rope-config.ts";
import { stretchedScale } from "../score-scale.ts";

/**
 * DeepSeek V2: latent attention, experts chosen by softmax scores, in the large model from the groups with the best ones,
 * and shared experts. As in transformers the scores are not divided by their sum, whatever `norm_topk_prob` says.
 * Source: transformers' modeling_deepseek_v2.py; DeepSeek-AI 2024, "DeepSeek-V2".
 */
export const deepseekV2 = defineArchitecture({
  modelType: "deepseek_v2",
  aliases: { num_experts: "n_routed_experts" },
  fields: {
    ...decoderFields,
    attention_bias: withDefault(z.boolean(), false),
    mlp_bias: withDefault(z.boolean(), false),
    kv_lora_rank: withDefault(count, 512),
    // absent: 1536; null: one projection
    q_lora_rank: count.nullable().default(1536),
    qk_rope_head_dim: withDefault(count, 64),
    qk_nope_head_dim: withDefault(count, 128),
    v_head_dim: withDefault(count, 128),
    moe_intermediate_size: withDefault(count, 1407),
    first_k_dense_replace: withDefault(z.int().nonnegative(), 0),
    n_shared_experts: withDefault(count, 2),
    n_routed_experts: withDefault(count, 64),
    num_experts_per_tok: count,
    n_group: optional(count),
    topk_group: optional(count),
    routed_scaling_factor: withDefault(z.number(), 1),
    topk_method: withDefault(z.string(), "greedy"),
  },
  forward(config, { program, raw, tiedTo }) {
    const { hiddenSize, numAttentionHeads: heads, rmsNormEps: epsilon, vocabSize: vocabulary, hiddenAct: kind } = config;
    const { nRoutedExperts: experts, moeIntermediateSize: inner, qkNopeHeadDim, qkRopeHeadDim, mlpBias: bias } = config;
    const keyValueHeads = config.numKeyValueHeads ?? heads;
    refuse(keyValueHeads !== heads, "num_key_value_heads", keyValueHeads, `num_attention_heads (${heads})`);
    const isGrouped = config.topkMethod === "group_limited_greedy";
    const { nGroup, topkGroup, topkMethod } = config;
    refuse(!isGrouped && topkMethod !== "greedy", "topk_method", topkMethod, "greedy, group_limited_greedy");
    refuse(isGrouped && nGroup === undefined, "n_group", null, "a number with group_limited_greedy");
    refuse(isGrouped && topkGroup === undefined, "topk_group", null, "a number with group_limited_greedy");
    const grouping = isGrouped ? { groups: nGroup!, topGroups: topkGroup!, groupsByBest: true } : {};
    const rope = parseRope(raw, { maxPositions: config.maxPositionEmbeddings, interleaved: true });
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
        x = add(program, x, gatedMlp(program, m, { module, width: config.intermediateSize, kind, bias }), at);
        continue;
      }
      const fed = mixtureOfExperts(program, m, {
        module: `${module}.experts`,
        experts,
        width: inner,
        kind,
        router: {
          module: `${module}.gate`,
          count: config.numExpertsPerTok,
          unroundedShares: true,
          unroundedLogits: true,
          score: "softmax",
          ...grouping,
          factor: config.routedScalingFactor,
        },
        ...expertLayouts(`${module}.experts`, experts),
      }); // [tokens, hidden]
      const width = inner * config.nSharedExperts;
      const shared = gatedMlp(program, m, { module: `${module}.shared_experts`, width, kind, bias }); // [tokens, hidden]
      x = add(program, x, add(program, fed, shared, module), at);
    }
    const hidden = rmsNorm(program, x, { module: "model.norm", epsilon }); // [tokens, hidden]
    const logits = languageHead(program, hidden, { module: "lm_head", vocabulary, tiedTo }); // [rows, vocabulary]
    return { logits, hidden };
  },
});
