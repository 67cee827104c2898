import { z } from "zod";
import {
  add,
  attention,
  embedding,
  expertLayouts,
  gatedMlp,
  languageHead,
  linear,
  mixtureOfExperts,
  rmsNorm,
} from "../../layers/index.ts";
import { count, decoderFields, withDefault } from "../config.ts";
import { defineArchitecture } from "../define.ts";
import { parseRope } from "../rope-config.ts";

/**
 * GLM-4.5 and 4.6: half of each head turns, experts chosen in groups by sigmoid scores, shared experts. Layers after
 * `num_hidden_layers` (multi-token prediction) are not read.
 * Source: transformers' modeling_glm4_moe.py; Zhipu AI 2025, "GLM-4.5".
 */
export const glm4Moe = defineArchitecture({
  modelType: "glm4_moe",
  spare: { layersAhead: [92, 46] },
  aliases: { num_local_experts: "n_routed_experts" },
  fields: {
    ...decoderFields,
    vocab_size: withDefault(count, 151552),
    hidden_size: withDefault(count, 4096),
    intermediate_size: withDefault(count, 10944),
    num_hidden_layers: withDefault(count, 46),
    num_attention_heads: withDefault(count, 96),
    num_key_value_heads: withDefault(count, 8),
    max_position_embeddings: withDefault(count, 131072),
    rms_norm_eps: withDefault(z.number().positive(), 1e-5),
    attention_bias: withDefault(z.boolean(), false),
    use_qk_norm: withDefault(z.boolean(), false),
    moe_intermediate_size: withDefault(count, 1408),
    first_k_dense_replace: withDefault(z.int().nonnegative(), 1),
    n_shared_experts: withDefault(count, 1),
    n_routed_experts: withDefault(count, 128),
    num_experts_per_tok: withDefault(count, 8),
    n_group: withDefault(count, 1),
    topk_group: withDefault(count, 1),
    norm_topk_prob: withDefault(z.boolean(), true),
    routed_scaling_factor: withDefault(z.number(), 1),
  },
  forward(config, { program, raw, tiedTo }) {
    const { hiddenSize, numAttentionHeads: heads, rmsNormEps: epsilon, vocabSize: vocabulary, hiddenAct: kind } = config;
    const {
      nRoutedExperts: experts,
      moeIntermediateSize: inner,
      numKeyValueHeads: keyValueHeads,
      attentionBias: bias,
    } = config;
    const headDim = config.headDim ?? Math.floor(hiddenSize / heads);
    const rope = parseRope(raw, { defaultPartialRotaryFactor: 0.5, maxPositions: config.maxPositionEmbeddings });

    let x = embedding(program, { module: "model.embed_tokens", vocabulary, width: hiddenSize }); // [tokens, hidden]
    for (const layer of program.layers(config.numHiddenLayers)) {
      const at = `model.layers.${layer}`;
      const attends = `${at}.self_attn`;
      const module = `${at}.mlp`;

      const a = rmsNorm(program, x, { module: `${at}.input_layernorm`, epsilon }); // [tokens, hidden]
      let query = linear(program, a, { module: `${attends}.q_proj`, width: heads * headDim, bias }); // [tokens, heads * headDim]
      let key = linear(program, a, { module: `${attends}.k_proj`, width: keyValueHeads * headDim, bias }); // [tokens, keyValueHeads * headDim]
      const value = linear(program, a, { module: `${attends}.v_proj`, width: keyValueHeads * headDim, bias });
      if (config.useQkNorm) {
        query = rmsNorm(program, query, { module: `${attends}.q_norm`, epsilon, groupSize: headDim });
        key = rmsNorm(program, key, { module: `${attends}.k_norm`, epsilon, groupSize: headDim });
      }
      const shape = { module: attends, heads, keyValueHeads, headDim, rope };
      const mixed = attention(program, query, key, value, shape); // [tokens, heads * headDim]
      x = add(program, x, linear(program, mixed, { module: `${attends}.o_proj`, width: hiddenSize }), at);

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
          unroundedShares: true,
          unroundedLogits: true,
          score: "sigmoid",
          correction: `${module}.gate.e_score_correction_bias`,
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
